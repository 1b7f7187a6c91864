"""How templates write quantities, dates and times. They are built in: no template loads them.

`{{ volume|quantity:"mL" }}` · `{{ born|day }}` · `{{ at|clinic_time:clinic }}`
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django import template
from django.forms import BaseForm, BoundField
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Clinic
from core import words
from core.quantities import format_quantity
from core.rules import FEWEST_DIGITS
from itbclinic.pages.shared import window
from itbclinic.pages.shared.frame import address_of

register = template.Library()

NUMBER: Final = re.compile(r"\+?[\d .\-/]*(?:\(\d{1,5}\)[\d .\-/]*)?\d(?:[,;]+\d+)*")

WHOLE: Final = re.compile(
    r"\b\d\d-[A-Z][a-z]{2}(?:-\d{4})?"  # 09-Mar-2027
    r"|\b\d\d:\d\d(?: (?:UTC)?[A-Z+−\d:]{2,6})?\b"  # 07:05 MST
    r"|\b[\d.,]+ (?:mcg per mL|mcg/day|mcg/h|mL/day|mcg|mL|days?|%)"
)


@register.filter
def quantity(value: Decimal | None, unit: str) -> str:
    """`2,000 mcg per mL`: the one way to write a quantity."""
    return words.NOT_RECORDED if value is None else format_quantity(value, unit)


@register.filter
def day(value: date | None) -> str:
    """`09-Mar-2027`."""
    return words.day(value)


@register.filter
def weekday(value: date | None) -> str:
    """`Tue 09-Mar-2027`."""
    return words.weekday(value) if value else words.NOT_RECORDED


@register.filter
def clinic_time(value: datetime | None, clinic: Clinic) -> str:
    """`09-Mar-2027 07:05 MST`: in the clinic's local time, with its zone."""
    return words.instant(value, clinic.zone)


@register.filter
def dialled(phone: str) -> str:
    """A typed phone number as a `tel:` link takes it, without the words beside it; empty where
    there is none to call."""
    found = next((one[0] for one in NUMBER.finditer(phone) if _digits(one[0]) >= FEWEST_DIGITS), "")
    if not found and _digits(phone) >= FEWEST_DIGITS:  # cut into pieces by words
        found = phone
    return "".join(sign for sign in found if sign in "0123456789+,;")


def _digits(text: str) -> int:
    return sum(sign in "0123456789" for sign in text)


@register.filter
def pages(name: str) -> str:
    """The address of a page by name, empty where there is no such page."""
    return address_of(name)


@register.simple_tag
def page_of(name: str, *keys: object) -> str:
    """The address of a page about something, empty where there is no such page."""
    return address_of(name, *keys)


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's control in Bootstrap's clothes; Django ties it to its help and errors."""
    kinds = {"select": "form-select", "checkbox": "form-check-input"}
    css = kinds.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.filter
def plain(form: BaseForm) -> BaseForm:
    """The form without help texts and placeholders, where the page says it in other words."""
    for bound in form:
        bound.help_text = bound.field.help_text = ""
        bound.field.widget.attrs.pop("placeholder", None)
    return form


@register.filter
def drawn(bar: window.Bar | None) -> str:
    """The bar of a refill window as SVG; nothing where there is none."""
    return window.svg(bar) if bar else ""


@register.filter
def whole(text: str) -> SafeString:
    """The text with its dates, times and quantities kept on one line: `20 mL` is never `20`."""
    return mark_safe(WHOLE.sub(r'<span class="nowrap">\g<0></span>', escape(text)))  # noqa: S308
