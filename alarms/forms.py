"""What a person types about a pump's dates: filters of the board, settlements, exclusions."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from accounts.models import Clinic
from alarms.presenters import states
from core.rules import RuleViolation

from .models import ATTENTION
from .selectors.worklist import RANKS


class DateInput(forms.DateInput):
    """The browser's date picker; `static/itb.js` says the chosen date in words under it."""

    input_type = "date"

    def __init__(self, **attrs: str) -> None:
        super().__init__(attrs={"data-echo": "", **attrs}, format="%Y-%m-%d")


class BoardFilterForm(forms.Form):
    """The filters that the board's address may carry beside its tab."""

    due_before = forms.DateField(
        label="Refill by, on or before",
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as 2026-11-22."},
    )
    status = forms.MultipleChoiceField(
        label="Status",
        required=False,
        choices=[(rank, states.STATUS[rank]) for rank in RANKS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "“%(value)s” is no status."},
    )
    unbooked = forms.TypedChoiceField(
        label="Booked",
        required=False,
        choices=[("", "Either"), ("true", "Not booked"), ("false", "Booked")],
        coerce=lambda value: value == "true",
        empty_value=None,
        error_messages={"invalid_choice": "Write unbooked=true or unbooked=false."},
    )


class RuledForm(forms.Form):
    """A form whose rules live in a service: it shows the service's sentences at its fields."""

    name: ClassVar[str]  # several forms stand on one page: their controls' ids begin with it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.name}_%s", **kwargs})

    def refuse(self, violation: RuleViolation) -> None:
        """Show what the service refused, at the field it names or above the form."""
        for problem in violation.problems:
            field = problem.field if problem.field in self.fields else None
            if field and self.fields[field].widget.is_hidden:
                field = None
            self.add_error(field, problem.message)

    def look_again(self, version: int) -> None:
        """Take the version that the page now shows: saving again means having seen it."""
        if "seen_version" in self.fields:
            typed = {name: self.data[name] for name in self.data}
            self.data = {**typed, "seen_version": str(version)}


class ReasonField(forms.CharField):
    """Why somebody decides so; a few lines."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            max_length=1000,
            widget=forms.Textarea(attrs={"rows": 2}),
            error_messages={"required": "Write a reason."},
        )


class EndField(forms.DateField):
    """The last day of a decision."""

    def __init__(self) -> None:
        super().__init__(
            label="Until and including",
            widget=DateInput(),
            input_formats=["%Y-%m-%d"],
            help_text="At most 90 days from now; then somebody looks at it again.",
            error_messages={"required": "Choose the last day.", "invalid": "Choose a date."},
        )


class SettleForm(RuledForm):
    """Let a doubtful date stand until a day."""

    name = "settle"

    settles = forms.ChoiceField(
        choices=[(reason.value, reason.label) for reason in ATTENTION], widget=forms.HiddenInput
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    reason = ReasonField("Why the date may stand")
    ends_on = EndField()

    def __init__(self, *args: Any, doubt: str, **kwargs: Any) -> None:
        self.doubt = doubt
        super().__init__(*args, **{"auto_id": f"{doubt}_%s", **kwargs})


class ExcludeForm(RuledForm):
    """Leave a pump off the lists until a day."""

    name = "exclude"

    reason = ReasonField("Why this pump is left off the list")
    ends_on = EndField()


class EndExclusionForm(RuledForm):
    """Put an excluded pump back on the lists."""

    name = "end"

    reason = ReasonField("Why it goes back on the list")


class AlarmVolumeForm(RuledForm):
    """The low-reservoir alarm volume as read from the pump."""

    name = "volume"

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    low_reservoir_alarm_ml = forms.DecimalField(
        label="Alarm volume read, in mL",
        max_digits=6,
        decimal_places=3,
        min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Write the volume in mL.", "invalid": "Write a number of mL."},
    )
    read_at = forms.DateTimeField(
        label="Read at",
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "data-echo": ""}, format="%Y-%m-%dT%H:%M"
        ),
        input_formats=["%Y-%m-%dT%H:%M"],
        error_messages={"required": "Say when.", "invalid": "Choose a date and a time."},
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        self.clinic = clinic
        super().__init__(*args, **kwargs)
        self.fields["read_at"].help_text = f"The clinic's local time ({clinic.timezone})."

    def clean_read_at(self) -> datetime:
        """The local time in the clinic; the hour that comes twice is taken as the earlier."""
        typed: datetime = self.cleaned_data["read_at"]
        local = timezone.make_naive(typed, timezone.get_current_timezone())
        return local.replace(tzinfo=self.clinic.zone)

    @staticmethod
    def opening_values(version: int, now: datetime, clinic: Clinic) -> dict[str, Any]:
        """What the empty form shows."""
        return {
            "seen_version": version,
            "read_at": now.astimezone(clinic.zone).strftime("%Y-%m-%dT%H:%M"),
        }
