"""What is typed about a visit: the fill, the readout and the program."""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms

from core.local_time import instant_of
from core.quantities import format_quantity, plain
from core.rules import Problem, RuleViolation
from dosing.domain import programs
from dosing.selectors import Stability, stability_of
from itbclinic.pages.shared import program_view
from itbclinic.pages.shared.forms import DateInput, PageForm, number, text
from itbclinic.pages.shared.steps import StepTable
from pumps.models import Pump
from refills.services import FillEntry
from visits.services.entry import BridgeEntry, VisitEntry

STAYS, SIMPLE, FLEX = "stays", "simple", "flex"
MINIMUM, STOPPED = "minimum_rate", "stopped"
LOCAL = "%Y-%m-%dT%H:%M"
PROGRAM = ("daily_dose_mcg", "groups", "change", "concentration_mcg_per_ml")
# What the service says of the second fields rests on the first: unreadable, they say nothing.
RESTS_ON: Final = (
    ({"at"}, ("at", "expires_on", "use_by")),
    ({"product", "volume_ml"}, (*PROGRAM, "bridge_mcg", "volume_ml")),
    ({"change", "daily_dose_mcg"}, PROGRAM),
)


class ProductField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A drug of the clinic's catalogue."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} {format_quantity(obj.concentration_mcg_per_ml, 'mcg per mL')}"


class DoctorField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A doctor of the clinic."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


def a_date(label: str, **details: Any) -> forms.DateField:
    """A calendar date of the clinic."""
    return forms.DateField(
        label=label,
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Choose a date."},
        **details,
    )


class HoursField(forms.CharField):
    """Hours as they are read off a programmer, 22.5 or 22:30; cleaned to minutes."""

    def clean(self, value: Any) -> Decimal | None:
        typed = super().clean(value).strip()
        if not typed:
            return None
        found = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,3})|:([0-5]\d))?", typed, re.ASCII)
        if found is None:
            raise forms.ValidationError("Write hours, such as 22.5 or 22:30.", code="invalid")
        hours, decimals, minutes = found.groups()
        if minutes:
            return Decimal(hours) * 60 + Decimal(minutes)
        return Decimal(f"{hours}.{decimals or 0}") * 60


def hours_of(minutes: Decimal) -> str:
    """Minutes as `HoursField` reads them again: `1:40`; a part of a minute was typed as hours."""
    if minutes == int(minutes):
        return f"{int(minutes) // 60}:{int(minutes) % 60:02d}"
    return plain(minutes / 60)


class VisitForm(PageForm):
    """One visit. Its rules live in `visits.services.encounter`; the steps are their own table."""

    name = "visit"
    aliases: ClassVar[dict[str, str]] = {"concentration_mcg_per_ml": "product"}

    key = forms.UUIDField(widget=forms.HiddenInput)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    at = forms.DateTimeField(
        label="Time of the visit",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "data-echo": ""}, format=LOCAL),
        input_formats=[LOCAL],
        error_messages={"required": "Say when.", "invalid": "Choose a date and a time."},
    )
    product = ProductField(
        queryset=None,
        label="Drug",
        required=False,
        to_field_name="uuid",
        empty_label="Choose the drug",
        error_messages={"invalid_choice": "Choose a drug of the clinic's catalogue."},
    )
    aspirated_ml = number("Aspirated, in mL", 6, 3, required=False)
    volume_ml = number("Filled, in mL", 6, 3, required=False)
    lot_number = text("Lot number", 40, required=False)
    expires_on = a_date("Expires on", help_text="The last good day, as printed on the vial.")
    use_by = a_date("Pharmacy's use-by date", help_text="Only where the pharmacy gave one.")
    printed_alarm_date = a_date("Alarm date on the printout")
    reservoir_volume_ml = number("Reservoir volume shown, in mL", 6, 3, required=False)
    change = forms.ChoiceField(
        label="Dose",
        choices=[
            (STAYS, "The dose stays"),
            (SIMPLE, "New dose, the same all day"),
            (FLEX, "New flex program, in steps"),
            (MINIMUM, "Minimum rate: the pump's lowest flow"),
            (STOPPED, "Stopped: the pump gives nothing"),
        ],
        widget=forms.RadioSelect,
        initial=STAYS,
    )
    daily_dose_mcg = number("New dose, in mcg per day", 10, 4, required=False)
    bridge_mcg = number("Bridge bolus, in mcg of the new drug", 10, 4, required=False)
    bridge_hours = HoursField(label="Runs for, in hours", required=False)
    pump_clock = forms.ChoiceField(label="Pump's clock", required=False)
    reason = text("Why the dose changes", 1000, required=False)
    ordered_by = DoctorField(
        queryset=None,
        label="Ordered by",
        required=False,
        to_field_name="uuid",
        empty_label="Choose the doctor",
        error_messages={"invalid_choice": "Choose a doctor of the clinic."},
    )
    note = text("Note", 2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    concern_reason = text(
        "Why it is right all the same", 1000, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(
        self, *args: Any, pump: Pump, products: Any, doctors: Any, steps: StepTable, **kwargs: Any
    ) -> None:
        self.pump, self.steps = pump, steps
        super().__init__(*args, **kwargs)
        product: Any = self.fields["product"]
        product.queryset = products
        ordered_by: Any = self.fields["ordered_by"]
        ordered_by.queryset = doctors
        clock: Any = self.fields["pump_clock"]
        clock.choices = [
            ("", "As the clinic's clock at the visit"),
            *(
                (str(minutes), program_view.offset(minutes))
                for minutes in range(-12 * 60, 14 * 60 + 1, 30)
            ),
        ]
        clock.help_text = "The pump knows no daylight saving. Change it only if the pump shows it."
        self.fields["aspirated_ml"].widget.attrs["data-focus"] = ""
        self.fields["at"].help_text = f"The clinic's local time ({pump.clinic.timezone})."

    def clean_at(self) -> datetime:
        """The moment of the local time; one that the clocks skipped is refused."""
        typed: datetime = self.cleaned_data["at"]
        local, zone = typed.replace(tzinfo=None), self.pump.clinic.zone
        try:
            return instant_of(local, zone, day_field="at", time_field="at")
        except RuleViolation as refused:
            [problem] = refused.problems
            raise forms.ValidationError(problem.message, code=problem.code) from None

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        filled = values.get("volume_ml") is not None
        if filled and values.get("product") is None and "product" not in self.errors:
            self.add_error("product", "Choose the drug that was filled.")
        if not filled and values.get("aspirated_ml") is not None and "volume_ml" not in self.errors:
            self.add_error("volume_ml", "Write what was filled after it was aspirated.")
        dose = values.get("daily_dose_mcg")
        if values.get("change") == SIMPLE and dose is None and "daily_dose_mcg" not in self.errors:
            self.add_error("daily_dose_mcg", "Write the new dose in mcg per day.")
        for one, other, words in (
            ("bridge_mcg", "bridge_hours", "Write how long the bridge bolus runs."),
            ("bridge_hours", "bridge_mcg", "Write the dose of the bridge bolus in mcg."),
        ):
            typed, missing = values.get(one) is not None, values.get(other) is None
            if typed and missing and other not in self.errors:
                self.add_error(other, words)
        if values.get("change") == FLEX and self.steps.errors:
            for said in self.steps.sentences():
                self.add_error("change", said)
        return values

    def waiting(self) -> str:
        """What is begun and not written yet, without which nothing new can be shown."""
        change, filled = self["change"].value(), self._is_typed("volume_ml")
        if change == SIMPLE and not self._is_typed("daily_dose_mcg"):
            return "Write the new dose: the new values show here."
        if filled and not self._is_typed("product"):
            return "Choose the drug that was filled: the new values show here."
        if self._is_typed("aspirated_ml") and change != STAYS and not filled:
            return "Write what was filled: the new values show here."
        return ""

    def _is_typed(self, name: str) -> bool:
        return bool(str(self[name].value() or "").strip())

    def sure(self, stops: Iterable[Problem]) -> list[Problem]:
        """Those of the service's stops that hold whatever stands in the fields that are refused."""
        wrong = set(self.errors)
        unsure = [
            names for fields, names in RESTS_ON if wrong & fields
        ]  # a stop of such a field may be wrong
        return [
            stop
            for stop in stops
            if self.field_of(stop.field) not in wrong
            and (
                stop.code == "dose_out_of_range"
                or not any(stop.field.startswith(names) for names in unsure)
            )
        ]

    def stability(self) -> Stability | None:
        """How long the catalogue lets the chosen drug stay in this pump's family."""
        product = self.cleaned_data.get("product")
        if product is None:
            return None
        return stability_of(
            clinic_id=self.pump.clinic_id,
            pump_family=self.pump.model.family,
            concentration_mcg_per_ml=product.concentration_mcg_per_ml,
            product=product,
        )

    def entry(self, *, seen_concerns: tuple[str, ...] | None, at: datetime) -> VisitEntry:
        """What is typed, as the service takes it; of a form with errors, what can be read."""
        values = self.cleaned_data
        at = values.get("at") or at
        program = self._program(at)
        return VisitEntry(
            key=values.get("key") or uuid.UUID(int=0),
            at=at,
            fill=self._fill(),
            program=program,
            bridge=self._bridge(),
            printed_alarm_date=values.get("printed_alarm_date"),
            reservoir_volume_ml=values.get("reservoir_volume_ml"),
            reason=values.get("reason", "") if program else "",
            ordered_by=values.get("ordered_by") if program else None,
            seen_concerns=seen_concerns,
            concern_reason=values.get("concern_reason", ""),
            note=values.get("note", ""),
        )

    def _fill(self) -> FillEntry | None:
        values = self.cleaned_data
        product, volume = values.get("product"), values.get("volume_ml")
        if product is None or volume is None:
            return None
        stability = self.stability()
        return FillEntry(
            volume_ml=volume,
            concentration_mcg_per_ml=product.concentration_mcg_per_ml,
            stability_days=stability.days if stability else None,
            use_by=values.get("use_by"),
            aspirated_ml=values.get("aspirated_ml"),
            product=product,
            lot_number=values.get("lot_number", ""),
            expires_on=values.get("expires_on"),
        )

    def _bridge(self) -> BridgeEntry | None:
        dose, minutes = (self.cleaned_data.get(name) for name in ("bridge_mcg", "bridge_hours"))
        return BridgeEntry(dose, minutes) if dose is not None and minutes is not None else None

    def unreadable(self) -> list[Problem]:
        """What is typed and cannot be read: nothing may be computed as if it were not there."""
        found = [
            Problem(name, "unreadable", f"{self.fields[name].label}: {messages[0]}")
            for name, messages in self.errors.items()
            if name in self.fields and self._is_typed(name)
        ]
        if self["change"].value() == FLEX and self.steps.errors:
            found = [p for p in found if p.field != "change"]
            found += [Problem("change", "unreadable", said) for said in self.steps.sentences()]
        return found

    @property
    def bridges(self) -> bool:
        """Whether anything is written about a bridge bolus."""
        return bool(self["bridge_mcg"].value() or self["bridge_hours"].value())

    def _program(self, at: datetime) -> programs.Program | None:
        values = self.cleaned_data
        common: dict[str, Any] = {
            "effective_at": at,
            "utc_offset_minutes": self.offset_minutes(at),
            "concentration_mcg_per_ml": self.concentration(),
        }
        dose = values.get("daily_dose_mcg")
        if values.get("change") == SIMPLE and dose is not None:
            return programs.SimpleContinuous(**common, daily_dose_mcg=dose)
        if values.get("change") == FLEX and not self.steps.errors:
            return programs.Flex(**common, groups=self.steps.groups())
        if values.get("change") == MINIMUM:
            return programs.MinimumRate(**common)
        if values.get("change") == STOPPED:
            return programs.Stopped(**common)
        return None

    def offset_minutes(self, at: datetime) -> int:
        """The pump clock's offset: the typed one, else the clinic's at that instant."""
        typed = self.cleaned_data.get("pump_clock")
        if typed:
            return int(typed)
        offset = at.astimezone(self.pump.clinic.zone).utcoffset() or timedelta()
        return offset // timedelta(minutes=1)

    def concentration(self) -> Decimal | None:
        """The drug's that the program runs on: what is filled, else what is inside."""
        product, filled = self.cleaned_data.get("product"), self.cleaned_data.get("volume_ml")
        if product is not None and filled is not None:
            found: Decimal = product.concentration_mcg_per_ml
            return found
        return self.steps.inside_mcg_per_ml

    def refuse(self, violation: RuleViolation) -> None:
        """Sentences about single steps go to the steps' table."""
        rest = []
        for problem in violation.problems:
            where = self.steps.refuse(problem)
            said = f"{where}: {problem.message}"
            rest.append(Problem("change", problem.code, said) if where else problem)
        super().refuse(RuleViolation(rest))
