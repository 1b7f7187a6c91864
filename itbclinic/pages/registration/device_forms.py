"""A pump that was put in, taken out, or was taken out only on paper."""

from datetime import datetime
from typing import Any

from django import forms

from accounts.models import Clinic
from core.local_time import instant_of
from core.quantities import format_quantity
from core.rules import RuleViolation
from itbclinic.pages.shared.forms import REQUIRED, DateInput, PageForm, ReasonField, number, text

LOCAL = "%Y-%m-%dT%H:%M"


class ModelField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A pump model of the clinic's catalogue, with the alarm volume that it comes with."""

    def label_from_instance(self, obj: Any) -> str:
        alarm = format_quantity(obj.default_low_reservoir_alarm_ml, "mL")
        return f"{obj.name} · {obj.catalogue_number} (alarm at {alarm} by default)"


class ImplantForm(PageForm):
    """A pump that was put in."""

    name = "implant"

    model = ModelField(
        queryset=None,
        label="Pump model",
        to_field_name="uuid",
        empty_label="Choose the model",
        error_messages={"required": REQUIRED, "invalid_choice": "Choose a model of the list."},
    )
    serial_number = text(
        "Serial number", 40, help_text="As printed on the device card; spaces do not matter."
    )
    implanted_on = forms.DateField(
        label="Implanted on",
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": REQUIRED, "invalid": "Choose a date."},
    )
    low_reservoir_alarm_ml = number(
        "Low-reservoir alarm, in mL",
        6,
        3,
        required=False,
        help_text=(
            "As the programmer shows it. Empty: the model's default, shown as assumed until "
            "somebody reads it from the pump."
        ),
    )

    def __init__(self, *args: Any, models: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["model"]
        field.queryset = models


class ExplantForm(PageForm):
    """When and why a pump was taken out."""

    name = "explant"

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    seen_appointments = forms.CharField(widget=forms.HiddenInput, required=False)
    at = forms.DateTimeField(
        label="Taken out at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "data-echo": ""}, format=LOCAL),
        input_formats=[LOCAL],
        error_messages={"required": "Say when.", "invalid": "Choose a date and a time."},
    )
    reason = ReasonField("Why it was taken out")
    confirmed = forms.BooleanField(
        label="It was taken out at that time, although something later is on record",
        required=False,
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        self.clinic = clinic
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = f"The clinic's local time ({clinic.timezone})."

    def look_again_at(self, seen: dict[str, Any]) -> None:
        """Take what the page now shows: saving again means having seen it."""
        typed = {name: self.data[name] for name in self.data}
        self.data = {**typed, **{name: str(value) for name, value in seen.items()}}

    def clean_at(self) -> datetime:
        """The moment of the local time; one that the clocks skipped is refused."""
        typed: datetime = self.cleaned_data["at"]
        local = typed.replace(tzinfo=None)
        try:
            return instant_of(local, self.clinic.zone, day_field="at", time_field="at")
        except RuleViolation as refused:
            [problem] = refused.problems
            raise forms.ValidationError(problem.message, code=problem.code) from None


class TakeBackExplantForm(PageForm):
    """Why it is wrong that a pump was taken out."""

    name = "back"

    reason = ReasonField("What was wrong with it")
