"""A patient who is added by hand, with one person to call."""

from typing import Any, ClassVar

from django import forms

from core.rules import fingerprint
from itbclinic.pages.shared.forms import REQUIRED, DateInput, PageForm, text
from patients.models import Patient
from patients.services import CaregiverEntry, PatientEntry, values_of


def words(value: str) -> str:
    """Without the spaces that a copied text brings along."""
    return " ".join(value.split())


class ClinicField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the user's clinics."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class IdentityForm(PageForm):
    """Who a patient is. The rules live in `patients.services`."""

    mrn = text("MRN", 32, help_text="The clinic's own number for the patient.")
    family_name = text("Last name", 120)
    given_name = text("First name", 120, help_text="A dash where the patient has only one name.")
    date_of_birth = forms.DateField(
        label="Date of birth",
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": REQUIRED, "invalid": "Choose a date."},
    )
    language = text(
        "Language",
        40,
        required=False,
        help_text="What the family speaks, such as English or Spanish.",
        widget=forms.TextInput(attrs={"list": "languages", "autocomplete": "off"}),
    )
    diagnosis = text("Diagnosis", 200, required=False)

    def entry(self) -> PatientEntry:
        """Who the patient is, as the service takes it."""
        found = self.cleaned_data
        given = words(found["given_name"])
        return PatientEntry(
            mrn=words(found["mrn"]),
            family_name=words(found["family_name"]),
            given_name="" if given == "-" else given,
            date_of_birth=found["date_of_birth"],
            language=words(found["language"]),
            diagnosis=words(found["diagnosis"]),
        )


class CorrectPatientForm(IdentityForm):
    """Who the patient is, corrected."""

    name = "correct"

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    @staticmethod
    def opening_values(patient: Patient) -> dict[str, str]:
        """What the form shows of the patient on record."""
        values = values_of(patient)
        return {**values, "given_name": values["given_name"] or "-", "seen": fingerprint(values)}


class PatientForm(IdentityForm):
    """Who the patient is, and whom to call. The rules live in `patients.services`."""

    name = "patient"
    aliases: ClassVar[dict[str, str]] = {
        "name": "caregiver_name",
        "phone": "caregiver_phone",
        "email": "caregiver_email",
    }

    clinic = ClinicField(
        queryset=None,
        label="Clinic",
        to_field_name="slug",
        empty_label="Choose the clinic",
        error_messages={"required": REQUIRED, "invalid_choice": "Choose one of your clinics."},
    )
    relationship = text("Relationship", 60, required=False, help_text="For instance Mother.")
    caregiver_name = text("Name", 120, required=False)
    caregiver_phone = text("Phone", 40, required=False, help_text="Kept as you type it.")
    caregiver_email = forms.EmailField(
        label="E-mail",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Write an address such as name@example.org."},
        help_text="Nothing is sent before a consent is recorded on the patient's page.",
    )
    another_person = forms.BooleanField(
        label="This is another person than the one above", required=False
    )

    def __init__(self, *args: Any, clinics: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["clinic"]
        field.queryset = clinics

    def caregiver(self) -> CaregiverEntry:
        """Whom to call; empty where nobody was named."""
        found = self.cleaned_data
        return CaregiverEntry(
            relationship=words(found["relationship"]),
            name=words(found["caregiver_name"]),
            phone=found["caregiver_phone"].strip(),
            email=found["caregiver_email"].strip(),
        )
