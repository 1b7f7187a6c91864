"""What a person decides about a pump's dates: settlements, exclusions, an alarm volume read."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import Clinic
from alarms.models import ATTENTION
from itbclinic.pages.shared.forms import EndField, ReasonField, RuledForm, decimal_sentences


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
        error_messages={
            "required": "Write the volume in mL.",
            "invalid": "Write a number of mL.",
            "min_value": "The alarm volume cannot be negative. Write the mL that the pump shows.",
            **decimal_sentences(6, 3),
        },
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
