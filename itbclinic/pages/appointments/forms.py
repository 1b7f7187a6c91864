"""What a person types to book, move and cancel a refill."""

import datetime as dt
from typing import ClassVar

from django import forms

from accounts.models import Clinic
from itbclinic.pages.shared.forms import DateInput, PageForm, ReasonField


class BookForm(PageForm):
    """A date and a time by the clinic's calendar and clock."""

    name = "book"
    aliases: ClassVar[dict[str, str]] = {"starts_at": "day"}

    day = forms.DateField(
        label="Date",
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": "Choose a date.", "invalid": "Choose a date."},
    )
    time = forms.TimeField(
        label="Time",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H:%M:%S"],
        error_messages={"required": "Choose a time.", "invalid": "Write a time such as 09:30."},
    )
    late_reason = forms.CharField(
        label="Why it cannot be before the alarm",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="A few words; they stay with the appointment.",
    )

    def __init__(self, *args: object, clinic: Clinic, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time"].help_text = f"The clinic's local time ({clinic.timezone})."

    @staticmethod
    def opening_values(local: dt.datetime | None, at: dt.time) -> dict[str, object]:
        """What the empty form shows: the day that is picked, or only the usual time."""
        return {"day": local.date() if local else None, "time": local.time() if local else at}


class RebookForm(BookForm):
    """The same for another time."""

    reason = forms.CharField(
        label="Why it moves (may stay empty)",
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CancelForm(PageForm):
    """Why an appointment is cancelled."""

    name = "cancel"
    reason = ReasonField("Why it is cancelled")


class TakeBackForm(PageForm):
    """Why what was marked was wrong."""

    name = "back"
    reason = ReasonField("What was wrong with it")
