"""Record a visit, its consequences shown before saving; a recorded visit, and taking it back."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.policies import Action
from accounts.selectors import doctors_of
from alarms.selectors.inputs import PumpFacts, domain_program, load_facts
from core import words
from core.rules import RuleViolation
from dosing.selectors import catalogue_of_drugs, drug_products
from itbclinic.pages.shared.access import check_may, find_pump_for, page_about, user_of
from itbclinic.pages.shared.steps import StepTable
from itbclinic.pages.shared.withdraw import WithdrawForm
from patients.models import Patient
from pumps.models import Pump
from visits.models import Visit
from visits.selectors.encounters import visit_for, visits_of
from visits.selectors.summaries import prints_of_visit
from visits.services.encounter import complete_visit, order_problems, withdraw_visit
from visits.services.preview import preview

from . import changes
from . import record as visit_record_view
from .forms import FLEX, LOCAL, STAYS, VisitForm

PAPER_IS_OUT: Final = (
    "Its summary was printed, and that paper must not be used any more: call the family. The call "
    "stands under Work until a new summary is printed or somebody settles it."
)


@dataclass(frozen=True, slots=True)
class VisitPage:
    """What the page is about: the pump with its facts, the form, and the clinic's now."""

    patient: Patient
    pump: Pump
    facts: PumpFacts
    form: VisitForm
    now: datetime


@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """The form; sent with `save` it is saved, with another button it comes back worked out."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    desk = _desk(request, patient, pump)
    if request.method == "POST" and not ({"look", "edit"} & set(request.POST)):
        return _save(request, desk)
    return _page(request, desk)


@require_POST
def preview_fragment(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> HttpResponse:
    """The right column, and what is computed in the table of steps."""
    desk = _desk(request, *_find(request, patient_uuid, pump_uuid))
    return render(request, "visit/preview.html", _context(request, desk))


def _find(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> tuple[Patient, Pump]:
    """The pump, whose visits the user must be allowed to record."""
    return find_pump_for(request, patient_uuid, pump_uuid, Action.RECORD_VISIT)


def _desk(request: HttpRequest, patient: Patient, pump: Pump) -> VisitPage:
    now = timezone.now()
    facts = load_facts([pump.pk])[pump.pk]
    inside = facts.fill.concentration_mcg_per_ml if facts.fill else None
    kwargs: dict[str, Any] = {
        "pump": pump,
        "products": catalogue_of_drugs([pump.clinic_id]),
        "doctors": doctors_of(pump.clinic),
    }
    if request.method == "POST":
        steps = StepTable.of_data(request.POST, inside)
        form = VisitForm(request.POST, steps=steps, **kwargs)
        form.is_valid()
    else:
        row = facts.program_at(now)
        program = domain_program(row, facts.steps.get(row.pk, [])) if row else None
        again = request.GET.get("again", "")
        if again:
            program = visit_record_view.steps_program_of(_visit(request, again, pump)) or program
        steps = StepTable.of_program(program, inside)
        initial = _opening_values(request, pump, facts, now)
        form = VisitForm(steps=steps, initial=initial, **kwargs)
    return VisitPage(patient, pump, facts, form, now)


def _opening_values(
    request: HttpRequest, pump: Pump, facts: PumpFacts, now: datetime
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "key": uuid.uuid4(),
        "seen_version": pump.input_version,
        "at": now.astimezone(pump.clinic.zone).strftime(LOCAL),
        "product": _inside(pump, facts),
        "change": STAYS,
    }
    again = request.GET.get("again", "")
    if again:
        values |= visit_record_view.values_of(_visit(request, again, pump))
    return values


def _visit(request: HttpRequest, key: str, pump: Pump) -> Visit:
    try:
        found = visit_for(user_of(request), uuid.UUID(key))
    except ValueError:
        raise Http404 from None
    if found is None or found.pump_id != pump.pk:
        raise Http404
    return found


def _inside(pump: Pump, facts: PumpFacts) -> uuid.UUID | None:
    """The catalogue's drug that is in the pump."""
    if facts.fill is None:
        return None
    products = drug_products(pump.clinic)
    same = [p for p in products if p.pk == facts.fill.product_id] or [
        p for p in products if p.concentration_mcg_per_ml == facts.fill.concentration_mcg_per_ml
    ]
    return same[0].uuid if same else None


def _tokens(request: HttpRequest) -> tuple[str, ...]:
    return tuple(request.POST.get("seen_concerns", "").split())


def _save(request: HttpRequest, desk: VisitPage) -> HttpResponse:
    form, pump = desk.form, desk.pump
    if form.is_valid():
        try:
            found = complete_visit(
                pump_id=pump.pk,
                entry=form.entry(seen_concerns=_tokens(request), at=desk.now),
                by=user_of(request),
                now=timezone.now(),
                seen_version=form.cleaned_data["seen_version"],
            )
        except RuleViolation as violation:
            form.refuse(violation)
            changed = {"stale", "key_used"} & {p.code for p in violation.problems}
            return _refused(request, desk, changed=bool(changed))
        messages.success(request, "The visit is recorded.")
        return HttpResponseRedirect(reverse("visit", args=[found.uuid]))
    _say_the_rest(request, desk)
    return _refused(request, desk)


def _say_the_rest(request: HttpRequest, desk: VisitPage) -> None:
    """What else must be corrected, as far as what can be read allows to say: not in a next round.

    Nothing is called missing that stands in a field which is refused for another reason.
    """
    form = desk.form
    entry = form.entry(seen_concerns=None, at=desk.now)
    found = preview(desk.pump, entry, now=desk.now)
    problems = form.sure(found.stops)
    if form.cleaned_data.get("change", STAYS) != STAYS:
        typed = {name: form.cleaned_data.get(name) for name in ("reason", "ordered_by")}
        problems += [
            problem
            for problem in order_problems(
                desk.pump, typed["reason"] or "", typed["ordered_by"], user_of(request)
            )
            if problem.field not in form.errors
        ]
    if problems:
        form.refuse(RuleViolation(problems))


def _refused(request: HttpRequest, desk: VisitPage, *, changed: bool = False) -> HttpResponse:
    """The form as it was typed; after somebody else's change with a new key and version."""
    typed: Any = request.POST.copy()
    if changed:
        typed["key"] = str(uuid.uuid4())
        typed["seen_version"] = str(load_facts([desk.pump.pk])[desk.pump.pk].pump.input_version)
        desk.form.data = typed
    context = _context(request, desk)
    context["others"] = visits_of(desk.pump)[:1] if changed else []
    return page_about(request, desk.patient, "visit/record.html", context, now=desk.now, status=422)


def _page(request: HttpRequest, desk: VisitPage) -> HttpResponse:
    """The form for looking; what it is about was read."""
    return page_about(
        request, desk.patient, "visit/record.html", _context(request, desk), now=desk.now
    )


def _context(request: HttpRequest, desk: VisitPage) -> dict[str, Any]:
    form, pump = desk.form, desk.pump
    bound = form.is_bound
    if not bound:
        form.cleaned_data = {}
    entry = form.entry(seen_concerns=None, at=desk.now)
    aspirated = form.cleaned_data.get("aspirated_ml")
    unreadable = form.unreadable() if bound else []
    found = preview(pump, entry, now=desk.now, aspirated_ml=aspirated)
    if unreadable:
        found = replace(found, stops=tuple(form.sure(found.stops))).stopped_by(unreadable)
    form.steps.compute(form.concentration())
    today = desk.now.astimezone(pump.clinic.zone).date()
    stability = form.stability() if bound else None
    saving = bound and not ({"look", "edit"} & set(request.POST))
    return {
        "form": form,
        "patient": desk.patient,
        "pump": pump,
        "clinic": pump.clinic,
        "today": today,
        "born": words.birth(desk.patient.date_of_birth, today),
        "changes": changes.present(found, _dates_now(pump), today, form.waiting() if bound else ""),
        "refused": saving,
        "editing": "edit" in request.POST,
        "flex": form["change"].value() == FLEX,
        "stability": stability,
        "stability_missing": bound
        and form.cleaned_data.get("product") is not None
        and stability is None,
    }


def _dates_now(pump: Pump) -> Any:
    """The dates as they stand; none while they are being recalculated."""
    row = getattr(pump, "projection", None)
    return row if row is not None and row.input_version == pump.input_version else None


@require_safe
def visit(request: HttpRequest, visit_uuid: uuid.UUID) -> HttpResponse:
    """A recorded visit."""
    return _show(request, _find_visit(request, visit_uuid), WithdrawForm())


@require_POST
def withdraw(request: HttpRequest, visit_uuid: uuid.UUID) -> HttpResponse:
    """Take back a visit that was entered in error."""
    found = _find_visit(request, visit_uuid)
    check_may(request, Action.RECORD_VISIT, found.clinic)
    form = WithdrawForm(request.POST)
    if form.is_valid():
        try:
            withdraw_visit(
                visit=found,
                reason=form.cleaned_data["reason"],
                by=user_of(request),
                now=timezone.now(),
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(request, "The visit is taken back; the dates count without it.")
            if prints_of_visit(found):
                messages.warning(request, PAPER_IS_OUT)
            return HttpResponseRedirect(reverse("visit", args=[found.uuid]))
    return _show(request, found, form)


def _find_visit(request: HttpRequest, visit_uuid: uuid.UUID) -> Visit:
    found = visit_for(user_of(request), visit_uuid)
    if found is None:
        raise Http404
    return found


def _show(request: HttpRequest, found: Visit, form: WithdrawForm) -> HttpResponse:
    now = timezone.now()
    audit.record(
        event="visit.read",
        by=user_of(request),
        at=now,
        clinic_id=found.clinic_id,
        subject_type="pump",
        subject_id=found.pump.uuid,
    )
    context = visit_record_view.context_of(found, user_of(request), now) | {"form": form}
    return render(request, "visit/page.html", context, status=422 if form.errors else 200)
