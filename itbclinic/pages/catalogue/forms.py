"""Pump models and drugs: every figure with the source that it comes from."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Fieldset
from django import forms

from core.quantities import plain
from core.rules import fingerprint
from dosing.models import MOST_STABILITY_DAYS, DrugProduct
from dosing.selectors import values_of as values_of_drug
from dosing.services import LimitEntry
from itbclinic.pages.shared.forms import PageForm, number, source, text, whole
from pumps.catalogue import FIGURES
from pumps.models import PumpModel
from pumps.selectors import values_of
from pumps.services.catalogue import MOST_STEPS


def _with_source(figure: str, of: str) -> Div:
    return Div(figure, of, css_class="figure-row")


class PumpModelForm(PageForm):
    """A pump model of a clinic's catalogue."""

    name = "model"
    aliases: ClassVar[dict[str, str]] = {"name": "model_name"}

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    model_name = text("Name", 80, help_text="As your team says it: SynchroMed II 20 mL.")
    catalogue_number = text("Catalogue number", 32, help_text="As printed on the box: 8637-20.")
    family = text(
        "Family",
        40,
        help_text="Drugs have their day limits by family. Choose one of the list, or a new one.",
        widget=forms.TextInput(attrs={"list": "families", "autocomplete": "off"}),
    )
    aliases_text = forms.CharField(
        label="Other names in spreadsheets",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line. An import also knows the model by these.",
    )
    reservoir_ml = number("Reservoir, in mL", 6, 3)
    default_low_reservoir_alarm_ml = number(
        "Alarm volume by default, in mL",
        6,
        3,
        help_text="For a pump whose own setting was not read. It is shown as assumed.",
    )
    min_ml_per_day = number("Lowest flow, in mL/day", 8, 5)
    max_ml_per_day = number("Highest flow, in mL/day", 8, 5)
    flow_accuracy_percent = number(
        "May run faster by, in %",
        5,
        2,
        help_text="The earliest day on which a pump may be empty rests on it.",
    )
    allows_zero_flow = forms.TypedChoiceField(
        label="A step may be zero",
        help_text="Whether a step or a basal rate of 0 mcg can be programmed. Every pump can be "
        "stopped, whatever this says.",
        choices=[("no", "No"), ("yes", "Yes")],
        coerce=lambda value: value == "yes",
    )
    max_steps = whole("Flex steps a day, at most", 1, MOST_STEPS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for figure in FIGURES:
            about = str(self.fields[figure].label).partition(",")[0]
            self.fields[f"source_{figure}"] = source(f"Source: {about[0].lower()}{about[1:]}")

    @property
    def helper(self) -> FormHelper:
        return self.laid_out(
            Fieldset(
                "What it is called",
                Div("model_name", "catalogue_number", "family", "aliases_text", css_class="pairs"),
            ),
            Fieldset(
                "Figures, each with its source",
                HTML("{% include 'catalogue/figures_help.html' %}"),
                *(_with_source(figure, f"source_{figure}") for figure in FIGURES),
            ),
        )

    def clean_aliases_text(self) -> list[str]:
        lines = (line.strip() for line in self.cleaned_data["aliases_text"].splitlines())
        names = list(dict.fromkeys(line for line in lines if line))
        if any(len(name) > 80 for name in names):
            raise forms.ValidationError("A name has more than 80 characters. Shorten it.")
        return names

    def field_of(self, name: str) -> str:
        return "aliases_text" if name == "aliases" else super().field_of(name)

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        found = self.cleaned_data
        return {
            "name": " ".join(found["model_name"].split()),
            "catalogue_number": found["catalogue_number"].strip(),
            "family": " ".join(found["family"].split()),
            "aliases": found["aliases_text"],
            **{figure: found[figure] for figure in FIGURES},
            "sources": {figure: found[f"source_{figure}"].strip() for figure in FIGURES},
        }

    @staticmethod
    def opening_values(model: PumpModel) -> dict[str, Any]:
        """What the form shows of a model on record."""
        figures = {name: getattr(model, name) for name in FIGURES}
        return {
            "seen": fingerprint(values_of(model)),
            "model_name": model.name,
            "catalogue_number": model.catalogue_number,
            "family": model.family,
            "aliases_text": "\n".join(model.aliases),
            **{
                name: plain(value) if isinstance(value, Decimal) else value
                for name, value in figures.items()
            },
            "allows_zero_flow": "yes" if model.allows_zero_flow else "no",
            **{f"source_{name}": model.sources.get(name, "") for name in FIGURES},
        }


class DrugForm(PageForm):
    """A drug in one concentration, with the days that it may stay in each pump family."""

    name = "drug"
    aliases: ClassVar[dict[str, str]] = {
        "name": "drug_name",
        "concentration_mcg_per_ml": "concentration",
    }

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    drug_name = text("Drug", 80)
    concentration = number("Concentration, in mcg per mL", 9, 3)
    source = source("Source of the concentration")

    def __init__(self, *args: Any, families: Sequence[str], **kwargs: Any) -> None:
        self.families = list(families)
        super().__init__(*args, **kwargs)
        for index, family in enumerate(self.families):
            self.fields[f"days_{index}"] = whole(
                f"{family}: at most, in days",
                1,
                MOST_STABILITY_DAYS,
                required=False,
                help_text="Empty: this drug sets no limit there; only the alarm and the clinic do.",
            )
            self.fields[f"source_{index}"] = source(f"Source: {family}", required=False)

    @property
    def helper(self) -> FormHelper:
        limits = (
            _with_source(f"days_{index}", f"source_{index}") for index in range(len(self.families))
        )
        return self.laid_out(
            Fieldset("The drug", "drug_name", _with_source("concentration", "source")),
            Fieldset("How long it may stay in a pump", *limits),
        )

    def field_of(self, name: str) -> str:
        kind, _, family = name.partition(":")
        if family in self.families:
            index = self.families.index(family)
            return f"days_{index}" if kind == "stability_days" else f"source_{index}"
        return super().field_of(name)

    def limits(self) -> list[LimitEntry]:
        """The limits that were typed; a family without days has none."""
        found = self.cleaned_data
        return [
            LimitEntry(family, found[f"days_{index}"], found[f"source_{index}"])
            for index, family in enumerate(self.families)
            if found[f"days_{index}"] is not None
        ]

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        return {
            "name": self.cleaned_data["drug_name"],
            "concentration_mcg_per_ml": self.cleaned_data["concentration"],
            "source": self.cleaned_data["source"],
            "limits": self.limits(),
        }

    @staticmethod
    def opening_values(product: DrugProduct, families: Sequence[str]) -> dict[str, Any]:
        """What the form shows of a drug on record."""
        limits = {limit.pump_family: limit for limit in product.limits.all()}
        found: dict[str, Any] = {
            "seen": fingerprint(values_of_drug(product)),
            "drug_name": product.name,
            "concentration": plain(product.concentration_mcg_per_ml),
            "source": product.source,
        }
        for index, family in enumerate(families):
            if family in limits:
                found[f"days_{index}"] = limits[family].stability_days
                found[f"source_{index}"] = limits[family].source
        return found


def as_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """A drug form's values in the shape of `dosing.selectors.values_of`."""
    return {
        **values,
        "concentration_mcg_per_ml": str(values["concentration_mcg_per_ml"]),
        "limits": {
            limit.pump_family: {"stability_days": limit.stability_days, "source": limit.source}
            for limit in values["limits"]
        },
    }
