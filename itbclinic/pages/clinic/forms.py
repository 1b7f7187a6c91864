"""A clinic's settings, its people and its API clients."""

from typing import Any, ClassVar, Final

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div
from django import forms

from accounts.models import Clinic, Role, Scope
from accounts.selectors import CONTACT_SETTINGS, contact_settings_of, settings_of
from accounts.services import (
    MAX_LEAD_DAYS,
    MAX_WINDOW_DAYS,
    MIN_INTERVAL_DAYS,
    MIN_WINDOW_DAYS,
)
from core.rules import fingerprint
from itbclinic.pages.shared.forms import REQUIRED, PageForm, text, whole

# What each role may do, in a few words; accounts/policies.py decides.
ROLE_WORDS: Final = {
    Role.NURSE: "works the refill list, adds patients and pumps, settles dates, imports the roster",
    Role.DOCTOR: "as a nurse, and edits the catalogue",
    Role.STAFF: "reads the list and the charts, books, adds patients, imports the roster",
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
        MIN_WINDOW_DAYS,
        MAX_WINDOW_DAYS,
        help_text=(
            "A pump counts as due this many days before its refill date. With 14 days, “refill by "
            "14-Nov-2026” comes on the list on 31-Oct-2026."
        ),
    )
    max_interval_days = whole(
        "Longest interval between refills, in days",
        MIN_INTERVAL_DAYS,
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


class ContactSettingsForm(PageForm):
    """How families reach the clinic, and when they are left in peace."""

    name = "contact"

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    phone_day = text(
        "Phone by day", 40, required=False,
        help_text="Messages to families ask them to call this number.",
    )  # fmt: skip
    phone_night = text(
        "Phone by night and weekend", 40, required=False,
        help_text="For the after-visit summary: withdrawal and overdose can't wait.",
    )  # fmt: skip
    reply_email = forms.EmailField(
        label="E-mail for replies",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Write an address such as name@example.org."},
        help_text="Where an answer to a message goes. Empty: to the sender's address.",
    )
    visit_place = text(
        "Where families come to", 120, required=False, help_text="One line, as summaries name it."
    )
    quiet_from = forms.TimeField(
        label="No messages to families from",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"required": REQUIRED, "invalid": "Write a time such as 20:00."},
        help_text="By the clinic's clock.",
    )
    quiet_until = forms.TimeField(
        label="Until",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"required": REQUIRED, "invalid": "Write a time such as 08:00."},
        help_text="The same time in both fields: messages leave at any hour.",
    )

    @property
    def helper(self) -> FormHelper:
        return self.laid_out(
            Div("phone_day", "phone_night", "reply_email", "visit_place", css_class="pairs"),
            Div("quiet_from", "quiet_until", css_class="pairs"),
        )

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        return {name: self.cleaned_data[name] for name in CONTACT_SETTINGS}

    @staticmethod
    def opening_values(clinic: Clinic) -> dict[str, Any]:
        """What the form shows of the settings on record."""
        values = contact_settings_of(clinic)
        return {**values, "seen": fingerprint(values)}


class EmailForm(PageForm):
    """Where a member gets reminders."""

    name = "email"

    email = forms.EmailField(
        label="E-mail",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Write an address such as name@example.org."},
    )


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
