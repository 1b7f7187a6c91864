"""The filters that the audit log's address may carry."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from accounts.models import User
from itbclinic.pages.shared.forms import DateInput

from .words import events, subjects

CHANGES: Final = "changes"
READS: Final = "reads"
PROGRAMS: Final = "programs"


class AuditFilterForm(forms.Form):
    """Which events to show. People are named by their uuid: a name is not for an address."""

    event = forms.ChoiceField(
        label="What",
        required=False,
        error_messages={"invalid_choice": "There is no such kind of event."},
    )
    person = forms.ChoiceField(
        label="Who",
        required=False,
        error_messages={"invalid_choice": "Nobody of your clinics has this key."},
    )
    about = forms.ChoiceField(
        label="About",
        required=False,
        error_messages={"invalid_choice": "There is no such kind of record."},
    )
    subject = forms.UUIDField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": "The record's key in the address is mistyped."},
    )
    since = forms.DateField(
        label="From",
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as 2026-11-22."},
    )
    until = forms.DateField(
        label="Until and including",
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as 2026-11-22."},
    )

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        event, person, about = (self.fields[name] for name in ("event", "person", "about"))
        assert isinstance(event, forms.ChoiceField)
        assert isinstance(person, forms.ChoiceField)
        assert isinstance(about, forms.ChoiceField)
        each = sorted(events().items(), key=lambda pair: pair[1])
        about.choices = [("", "Anything"), *subjects().items()]
        event.choices = [
            ("", "Everything"),
            (CHANGES, "Changes, no reads"),
            (READS, "Reads and exports"),
            ("One kind", each),
        ]
        person.choices = [
            ("", "Anybody"),
            (PROGRAMS, "API clients"),
            *((str(user.uuid), user.display_name) for user in people),
        ]

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if found.get("since") and found.get("until") and found["until"] < found["since"]:
            self.add_error("until", "This day is before the first one.")
        return found
