"""The catalogue: pump models and drugs, each figure with its source, and how many pumps use it."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Clinic
from accounts.policies import Action, clinic_ids
from accounts.selectors import last_event
from core import words
from core.rules import RuleViolation, fingerprint
from dosing import selectors as drugs
from dosing.models import DrugProduct
from dosing.services import save_drug_product
from followup.services import settings
from itbclinic.pages.shared import access, figures
from itbclinic.pages.shared.compare import Compared, compared, differing, is_stale, was
from itbclinic.pages.shared.forms import PageForm
from pumps import selectors as pumps
from pumps.models import PumpModel

from .forms import DrugForm, PumpModelForm, as_values
from .rows import Shelf, shelves


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every pump model and drug of the user's clinics."""
    clinics = access.clinics_or_refuse(request, Action.READ_CATALOGUE)
    editable = clinic_ids(access.user_of(request), Action.EDIT_CATALOGUE)
    found: list[Shelf] = shelves(clinics, editable)
    return render(request, "catalogue/page.html", {"shelves": found, "several": len(clinics) > 1})


# --- pump models ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def add_pump_model(request: HttpRequest) -> HttpResponse:
    """A new pump model in the clinic that the address names."""
    clinic = _clinic_to_edit(request)
    form = PumpModelForm(request.POST or None, initial={"allows_zero_flow": "no"})
    return _pump_model_page(request, PumpModel(clinic=clinic), form)


@require_http_methods(["GET", "HEAD", "POST"])
def pump_model(request: HttpRequest, model_uuid: uuid.UUID) -> HttpResponse:
    """Change a pump model; its pumps are recomputed in the same moment."""
    model = pumps.pump_model_for(access.user_of(request), Action.READ_CATALOGUE, model_uuid)
    if model is None:
        raise Http404
    access.check_may(request, Action.EDIT_CATALOGUE, model.clinic)
    form = PumpModelForm(request.POST or None, initial=PumpModelForm.opening_values(model))
    return _pump_model_page(request, model, form)


def _pump_model_page(request: HttpRequest, model: PumpModel, form: PumpModelForm) -> HttpResponse:
    compare: list[Compared] = []
    if form.is_bound and form.is_valid():
        try:
            return _save_pump_model(request, model, form)
        except RuleViolation as violation:
            form.refuse(violation)
            if is_stale(violation):
                compare = _compare_models(request, model, form)
    context = {
        "form": form,
        "model": model,
        "clinic": model.clinic,
        "families": pumps.families_of(model.clinic),
        "compare": compare,
        "changed_by": last_event("pump_model", model.uuid) if compare else None,
    }
    return render(request, "catalogue/pump_model.html", context, status=status_of(form))


def _save_pump_model(request: HttpRequest, model: PumpModel, form: PumpModelForm) -> HttpResponse:
    values = form.values()
    if model.pk and not differing(pumps.values_of(model), _as_stored(model, values)):
        messages.info(request, f"{model.name} is as it was; nothing was changed.")
        return HttpResponseRedirect(reverse("catalogue"))
    recomputed = settings.save_pump_model(
        model=model,
        by=access.user_of(request),
        now=timezone.now(),
        seen=form.cleaned_data["seen"] if model.pk else None,
        **values,
    )
    said = f"{values['name']} is saved."
    if recomputed:
        said += f" {words.count(recomputed, 'pump')} {was(recomputed)} recomputed."
    messages.success(request, said)
    return HttpResponseRedirect(reverse("catalogue"))


def _as_stored(model: PumpModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """The typed values with the decimal places that the columns have."""
    typed = PumpModel(clinic=model.clinic, **values)
    stored = pumps.values_of(typed)
    for field in PumpModel._meta.concrete_fields:
        places = getattr(field, "decimal_places", None)
        if places is not None and field.name in stored:
            stored[field.name] = f"{values[field.name]:.{places}f}"
    return stored


def _compare_models(
    request: HttpRequest, model: PumpModel, form: PumpModelForm
) -> list["Compared"]:
    current = pumps.pump_model_for(access.user_of(request), Action.EDIT_CATALOGUE, model.uuid)
    if current is None:
        raise Http404
    on_record = pumps.values_of(current)
    form.show_seen(fingerprint(on_record))
    return compared(on_record, _as_stored(model, form.values()))


# --- drugs ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def add_drug(request: HttpRequest) -> HttpResponse:
    """A new drug product in the clinic that the address names."""
    clinic = _clinic_to_edit(request)
    form = DrugForm(request.POST or None, families=pumps.families_of(clinic))
    return _drug_page(request, DrugProduct(clinic=clinic), form)


@require_http_methods(["GET", "HEAD", "POST"])
def drug(request: HttpRequest, product_uuid: uuid.UUID) -> HttpResponse:
    """Change a drug and its limits. No date moves: fills keep the limit of their day."""
    product = drugs.drug_product_for(access.user_of(request), Action.READ_CATALOGUE, product_uuid)
    if product is None:
        raise Http404
    access.check_may(request, Action.EDIT_CATALOGUE, product.clinic)
    limited = [limit.pump_family for limit in product.limits.all()]
    families = sorted({*pumps.families_of(product.clinic), *limited})
    form = DrugForm(
        request.POST or None,
        families=families,
        initial=DrugForm.opening_values(product, families),
    )
    return _drug_page(request, product, form)


def _drug_page(request: HttpRequest, product: DrugProduct, form: DrugForm) -> HttpResponse:
    compare: list[Compared] = []
    if form.is_bound and form.is_valid():
        try:
            return _save_drug(request, product, form)
        except RuleViolation as violation:
            form.refuse(violation)
            if is_stale(violation):
                compare = _compare_drugs(request, product, form)
    context = {
        "form": form,
        "product": product,
        "clinic": product.clinic,
        "compare": compare,
        "changed_by": last_event("drug_product", product.uuid) if compare else None,
    }
    return render(request, "catalogue/drug.html", context, status=status_of(form))


def _save_drug(request: HttpRequest, product: DrugProduct, form: DrugForm) -> HttpResponse:
    saved = save_drug_product(
        product=product,
        by=access.user_of(request),
        at=timezone.now(),
        seen=form.cleaned_data["seen"] if product.pk else None,
        **form.values(),
    )
    strength = figures.shown("concentration_mcg_per_ml", saved.concentration_mcg_per_ml)
    messages.success(
        request,
        f"{saved.name} {strength} is saved. Fills already recorded keep the limit of their day.",
    )
    return HttpResponseRedirect(reverse("catalogue"))


def _compare_drugs(request: HttpRequest, product: DrugProduct, form: DrugForm) -> list["Compared"]:
    current = drugs.drug_product_for(access.user_of(request), Action.EDIT_CATALOGUE, product.uuid)
    if current is None:
        raise Http404
    on_record = drugs.values_of(current)
    form.show_seen(fingerprint(on_record))
    return compared(on_record, as_values(form.values()))


# --- both ----------------------------------------------------------------------------------------


def status_of(form: PageForm) -> int:
    """422 for a form that was sent and refused."""
    return 422 if form.is_bound else 200


def _clinic_to_edit(request: HttpRequest) -> Clinic:
    """The clinic that the address names; without one, the only one."""
    readable = access.clinics_or_refuse(request, Action.READ_CATALOGUE)
    named = access.choose(readable, request.GET.get("clinic", ""))
    if len(named) > 1:
        raise Http404
    access.check_may(request, Action.EDIT_CATALOGUE, named[0])
    return named[0]
