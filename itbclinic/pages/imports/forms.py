"""What a person writes about a refused row, and the upload of a spreadsheet."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Clinic
from itbclinic.pages.shared.forms import DateInput, PageForm, ReasonField, RuledForm


class DismissForm(RuledForm):
    """Take a refused row off the board without importing it."""

    name = "dismiss"

    reason = ReasonField("Why this row need not be imported")


class UploadForm(PageForm):
    """A spreadsheet to check."""

    name = "sheet"

    clinic = forms.ChoiceField(label="Clinic", error_messages={"required": "Choose a clinic."})
    file = forms.FileField(
        label="The spreadsheet",
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"}),
        help_text="CSV or Excel (.xlsx), at most 5 MB and 5,000 rows. Nothing is imported yet.",
        error_messages={
            "required": "Choose the file.",
            "empty": "The file is empty. Choose the spreadsheet with the patients.",
        },
    )
    as_of = forms.DateField(
        label="As of",
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        help_text=(
            "A Last Refill after this day is refused as not yet happened. For a sheet from last "
            "week, choose the day it was written. Empty: today in the clinic."
        ),
        error_messages={"invalid": "Choose a date, or leave it empty for today."},
    )

    def __init__(self, *args: Any, clinics: Sequence[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(clinic.slug, clinic.name) for clinic in clinics]
        if len(clinics) == 1:
            self.fields["clinic"].widget = forms.HiddenInput()
            self.fields["clinic"].initial = clinics[0].slug
        else:
            choices = [("", "Choose a clinic"), *choices]
        self.fields["clinic"].choices = choices  # type: ignore[attr-defined]
