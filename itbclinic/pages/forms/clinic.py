"""A clinic's settings, its people and its API clients."""

from typing import Any, ClassVar, Final

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div
from django import forms

from accounts.models import Clinic, Role, Scope
from accounts.rules import fingerprint
from accounts.selectors import settings_of
from accounts.services import MAX_LEAD_DAYS, MAX_WINDOW_DAYS

from .base import PageForm, text, whole

# What each role may do, in a few words; accounts/policies.py decides.
ROLE_WORDS: Final = {
    Role.NURSE: "works the refill list, settles dates, imports the roster",
    Role.DOCTOR: "as a nurse, and edits the catalogue",
    Role.STAFF: "reads the list and the charts, books, imports the roster",
    Role.PHARMACIST: "reads the list and the charts, edits the catalogue",
    Role.AUDITOR: "reads charts, the catalogue and the audit log; changes nothing",
    Role.ADMIN: "people, settings, API clients and the catalogue; sees no patient",
}


class SettingsForm(PageForm):
    """What every date of the clinic is computed with."""

    name = "settings"
    aliases: ClassVar[dict[str, str]] = {"name": "clinic_name"}

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    clinic_name = text("Name", 120)
    timezone = text(
        "Time zone",
        64,
        widget=forms.TextInput(
            attrs={"list": "timezones", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=(
            "Type a city, such as Denver. Every date is the calendar date there; another zone can "
            "move dates by a day."
        ),
    )
    refill_lead_days = whole(
        "Refill before the alarm, in days",
        0,
        MAX_LEAD_DAYS,
        help_text=(
            "A pump is to be refilled this many days before its alarm date. With 7 days, an alarm "
            "on 21-Nov-2026 means: refill by 14-Nov-2026."
        ),
    )
    window_days = whole(
        "Refill window, in days",
        0,
        MAX_WINDOW_DAYS,
        help_text=(
            "A pump counts as due this many days before its refill date. With 14 days, “refill by "
            "14-Nov-2026” comes on the list on 31-Oct-2026."
        ),
    )
    max_interval_days = whole(
        "Longest interval between refills, in days",
        1,
        required=False,
        help_text=(
            "No refill date is later than this many days after the last fill, even where alarm and "
            "drug would allow it. Empty: no such limit."
        ),
    )

    @property
    def helper(self) -> FormHelper:
        return self.laid_out(
            Div("clinic_name", "timezone", css_class="pairs"),
            Div("refill_lead_days", "window_days", "max_interval_days", css_class="thirds"),
        )

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        found = self.cleaned_data
        return {
            "name": " ".join(found["clinic_name"].split()),
            "timezone": found["timezone"].strip(),
            "refill_lead_days": found["refill_lead_days"],
            "window_days": found["window_days"],
            "max_interval_days": found["max_interval_days"],
        }

    @staticmethod
    def opening_values(clinic: Clinic) -> dict[str, Any]:
        """What the form shows of the settings on record."""
        values = settings_of(clinic)
        return {**values, "clinic_name": values["name"], "seen": fingerprint(values)}


class PersonForm(PageForm):
    """A person to give a role to."""

    name = "person"

    given_name = text("Given name", 150)
    family_name = text("Family name", 150)
    username = text(
        "Username",
        150,
        help_text="For signing in, for instance ralder. Somebody with an account keeps it.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[("", "Choose a role"), *Role.choices],
        error_messages={"required": "Choose a role."},
    )

    @property
    def helper(self) -> FormHelper:
        return self.laid_out(
            Div("given_name", "family_name", "username", "role", css_class="pairs")
        )


class RoleForm(forms.Form):
    """Another role for somebody."""

    role = forms.ChoiceField(label="Role", choices=Role.choices)


class ApiClientForm(PageForm):
    """A program that may read over REST."""

    name = "client"
    aliases: ClassVar[dict[str, str]] = {"name": "client_name"}

    client_name = text("Which program it is for", 120, help_text="Such as: ward dashboard.")
    scopes = forms.MultipleChoiceField(
        label="What it may read",
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what the program may read."},
    )
