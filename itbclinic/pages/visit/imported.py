"""A refill that came with a sheet, and taking it back."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.policies import Action
from core import words
from core.quantities import PER_ML, format_quantity
from core.rules import RuleViolation
from itbclinic.pages.shared.access import check_may, page_about, user_of
from itbclinic.pages.shared.withdraw import WithdrawForm
from refills.models import Fill
from rosters.services.imported import take_back_imported
from visits.selectors.encounters import imported_fill_for


@require_http_methods(["GET", "HEAD", "POST"])
def imported_refill(request: HttpRequest, fill_uuid: uuid.UUID) -> HttpResponse:
    """Show the refill; take it back with a reason."""
    fill = imported_fill_for(user_of(request), fill_uuid)
    if fill is None:
        raise Http404
    check_may(request, Action.RECORD_VISIT, fill.pump.clinic)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            take_back_imported(
                fill=fill,
                reason=form.cleaned_data["reason"],
                by=user_of(request),
                now=timezone.now(),
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(request, "The refill is taken back; the dates count without it.")
            page = reverse("patient", args=[fill.pump.patient.uuid])
            return HttpResponseRedirect(f"{page}?pump={fill.pump.uuid}")
    return _show(request, fill, form)


def _show(request: HttpRequest, fill: Fill, form: WithdrawForm) -> HttpResponse:
    now, pump = timezone.now(), fill.pump
    today = now.astimezone(pump.clinic.zone).date()
    born = pump.patient.date_of_birth
    volume = format_quantity(fill.volume_ml, "mL")
    context = {
        "fill": fill,
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "born": words.birth(born, today),
        "filled": f"{volume} of {format_quantity(fill.concentration_mcg_per_ml, PER_ML)}",
        "correction": getattr(fill, "correction", None),
        "form": form,
    }
    status = 422 if form.errors else 200
    return page_about(request, pump.patient, "visit/imported.html", context, now=now, status=status)
