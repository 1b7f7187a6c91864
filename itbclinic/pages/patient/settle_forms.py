"""What a person decides about a pump's dates: settlements, exclusions, an alarm volume read."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import Clinic
from alarms.models import ATTENTION
from core.local_time import instant_of
from core.rules import RuleViolation
from itbclinic.pages.shared.forms import EndField, ReasonField, RuledForm, number


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
    low_reservoir_alarm_ml = number("Alarm volume read, in mL", 6, 3, min_value=0)
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
        self.fields["low_reservoir_alarm_ml"].error_messages |= {
            "required": "Write the volume in mL.",
            "invalid": "Write a number of mL.",
            "min_value": "The alarm volume cannot be negative. Write the mL that the pump shows.",
        }
        self.fields["read_at"].help_text = f"The clinic's local time ({clinic.timezone})."

    def clean_read_at(self) -> datetime:
        """The instant of the clinic's local time; one that the clocks skip is refused."""
        typed: datetime = self.cleaned_data["read_at"]
        local = timezone.make_naive(typed, timezone.get_current_timezone())
        try:
            return instant_of(local, self.clinic.zone, day_field="read_at", time_field="read_at")
        except RuleViolation as violation:
            raise forms.ValidationError([p.message for p in violation.problems]) from violation

    @staticmethod
    def opening_values(version: int, now: datetime, clinic: Clinic) -> dict[str, Any]:
        """What the empty form shows."""
        return {
            "seen_version": version,
            "read_at": now.astimezone(clinic.zone).strftime("%Y-%m-%dT%H:%M"),
        }
