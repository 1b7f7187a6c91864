"""Whom to call about a patient, and what a family agreed to."""

from typing import Any

from django import forms

from itbclinic.pages.shared.forms import PageForm, text
from patients.models import Caregiver
from patients.services import CaregiverEntry

FIELDS = ("relationship", "name", "phone", "email")


class CaregiverForm(PageForm):
    """Somebody to call; the phone number is kept as it is typed."""

    name = "caregiver"

    relationship = text("Relationship", 60, required=False, help_text="For instance Mother.")
    full_name = text("Name", 120, required=False)
    phone = text("Phone", 40, required=False, help_text="Kept as you type it.")
    email = forms.EmailField(
        label="E-mail",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Write an address such as name@example.org."},
        help_text="Nothing is sent before a consent is recorded. Another address needs a new one.",
    )
    aliases = {"name": "full_name"}

    def __init__(self, *args: Any, caregiver: Caregiver | None = None, **kwargs: Any) -> None:
        self.about = caregiver
        key = caregiver.uuid if caregiver else "new"
        super().__init__(*args, **{"auto_id": f"caregiver_{key}_%s", **kwargs})

    def entry(self) -> CaregiverEntry:
        """What was typed, as the service takes it."""
        found = self.cleaned_data
        return CaregiverEntry(
            relationship=found["relationship"].strip(),
            name=found["full_name"].strip(),
            phone=found["phone"].strip(),
            email=found["email"].strip(),
        )

    @staticmethod
    def opening_values(caregiver: Caregiver) -> dict[str, str]:
        """What the form shows of the person on record."""
        values = {name: getattr(caregiver, name) for name in FIELDS}
        return {**values, "full_name": values["name"]}


class RemoveForm(PageForm):
    """Somebody is not to be called any more."""

    name = "remove"

    remove_reason = text(
        "Why",
        300,
        help_text="For instance: no longer cares for the patient. A consent to e-mail ends too.",
    )

    def __init__(self, *args: Any, caregiver: Caregiver, **kwargs: Any) -> None:
        self.about = caregiver
        super().__init__(*args, **{"auto_id": f"remove_{caregiver.uuid}_%s", **kwargs})


class ConsentForm(PageForm):
    """A caregiver agreed to e-mail."""

    name = "consent"

    agreed = text(
        "What was agreed",
        300,
        help_text="How and with whom, for instance: signed form of 20-Nov-2026, or by phone.",
    )

    def __init__(self, *args: Any, caregiver: Caregiver, **kwargs: Any) -> None:
        self.about = caregiver
        super().__init__(*args, **{"auto_id": f"consent_{caregiver.uuid}_%s", **kwargs})
