"""What all forms share: rules at their fields, the house's layout, readers of numbers."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms

from core.quantities import read_number
from core.rules import Problem, RuleViolation

REQUIRED = "Fill this in."


class DateInput(forms.DateInput):
    """The browser's date picker; `static/itb.js` says the chosen date in words under it."""

    input_type = "date"

    def __init__(self, **attrs: str) -> None:
        super().__init__(attrs={"data-echo": "", **attrs}, format="%Y-%m-%d")


class RuledForm(forms.Form):
    """A form whose rules live in a service: it shows the service's sentences at its fields."""

    name: ClassVar[str]  # several forms stand on one page: their controls' ids begin with it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.name}_%s", **kwargs})

    def refuse(self, violation: RuleViolation) -> None:
        """Show what the service refused, at the field it names or above the form."""
        for problem in violation.problems:
            field = problem.field if problem.field in self.fields else None
            if field and self.fields[field].widget.is_hidden:
                field = None
            self.add_error(field, problem.message)

    def look_again(self, version: int) -> None:
        """Take the version that the page now shows: saving again means having seen it."""
        if "seen_version" in self.fields:
            typed = {name: self.data[name] for name in self.data}
            self.data = {**typed, "seen_version": str(version)}


class ReasonField(forms.CharField):
    """Why somebody decides so; a few lines."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            max_length=1000,
            widget=forms.Textarea(attrs={"rows": 2}),
            error_messages={"required": "Write a reason."},
        )


class EndField(forms.DateField):
    """The last day of a decision."""

    def __init__(self) -> None:
        super().__init__(
            label="Until and including",
            widget=DateInput(),
            input_formats=["%Y-%m-%d"],
            help_text="At most 90 days from now; then somebody looks at it again.",
            error_messages={"required": "Choose the last day.", "invalid": "Choose a date."},
        )


class PageForm(RuledForm):
    """A form that is laid out by crispy and whose rules live in a service."""

    # The service's name of a field, where the form needs another one.
    aliases: ClassVar[dict[str, str]] = {}

    def refuse(self, violation: RuleViolation) -> None:
        super().refuse(
            RuleViolation(
                [
                    Problem(self.field_of(problem.field), problem.code, problem.message)
                    for problem in violation.problems
                ]
            )
        )

    def field_of(self, name: str) -> str:
        """The form's field for the service's."""
        return self.aliases.get(name, name)

    def laid_out(self, *parts: Any) -> FormHelper:
        """A crispy helper for these parts: fields only, the template has form tag and errors."""
        helper = FormHelper(self)
        helper.form_tag = False
        helper.disable_csrf = True
        helper.form_show_errors = False
        helper.field_template = "frame/field.html"
        helper.layout = Layout(*parts)
        return helper

    def show_seen(self, fingerprint: str) -> None:
        """Take what the page now shows as seen: saving again means having compared both."""
        self.data = {**self.data.dict(), "seen": fingerprint}  # type: ignore[attr-defined]


def text(label: str, longest: int, **details: Any) -> forms.CharField:
    """A line of text."""
    return forms.CharField(
        label=label,
        max_length=longest,
        widget=details.pop("widget", forms.TextInput(attrs={"autocomplete": "off"})),
        error_messages={"required": REQUIRED},
        **details,
    )


class QuantityField(forms.DecimalField):
    """A number as it is typed; a comma parts thousands only, or 20,5 might become 205."""

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        typed = "" if value is None else str(value).strip()
        if not typed:
            return None
        found = read_number(typed.removeprefix("-"))
        if found is not None:
            return -found if typed.startswith("-") else found
        if re.fullmatch(r"-?[0-9]+,[0-9]+", typed):
            text = f"Write decimals with a point: {typed.replace(',', '.')} if that is meant."
            raise forms.ValidationError(text, code="decimal_comma")
        raise forms.ValidationError(self.error_messages["invalid"], code="invalid")


def decimal_sentences(digits: int, places: int) -> dict[str, str]:
    """What is said of a number with more digits than the record keeps."""
    most = f"Write at most {digits - places} digits before the point and {places} after it."
    return dict.fromkeys(("max_digits", "max_decimal_places", "max_whole_digits"), most)


def number(label: str, digits: int, places: int, **details: Any) -> forms.DecimalField:
    """A quantity; the label names its unit."""
    return QuantityField(
        label=label,
        max_digits=digits,
        decimal_places=places,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "required": REQUIRED,
            "invalid": "Write a number such as 0.048, without its unit.",
            **decimal_sentences(digits, places),
        },
        **details,
    )


def whole(label: str, least: int, most: int | None = None, **details: Any) -> forms.IntegerField:
    """A whole number; the service holds the limits, the browser is told of them."""
    limits = {"min": least} if most is None else {"min": least, "max": most}
    return forms.IntegerField(
        label=label,
        widget=forms.NumberInput(attrs={**limits, "autocomplete": "off"}),
        error_messages={"required": REQUIRED, "invalid": "Write a whole number."},
        **details,
    )


def source(label: str, **details: Any) -> forms.CharField:
    """Where a figure comes from; a document, its edition, its page."""
    return forms.CharField(
        label=label,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say where this figure comes from."},
        **details,
    )
