"""The filters that the board's address may carry beside its tab."""

from django import forms

from alarms.domain.status import Status

from . import states
from .forms import DateInput


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
        choices=[(status.value, states.STATUS[status]) for status in Status],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "“%(value)s” is not a status."},
    )
    unbooked = forms.TypedChoiceField(
        label="Booked",
        required=False,
        choices=[("", "Either"), ("true", "Not booked"), ("false", "Booked")],
        coerce=lambda value: value == "true",
        empty_value=None,
        error_messages={"invalid_choice": "Write unbooked=true or unbooked=false."},
    )
