"""How templates write quantities, dates and times. They are built in: no template loads them.

`{{ volume|quantity:"mL" }}` · `{{ born|day }}` · `{{ at|clinic_time:clinic }}`
"""

from datetime import date, datetime
from decimal import Decimal

from django import template
from django.forms import BaseForm, BoundField
from django.utils.safestring import SafeString

from accounts.models import Clinic
from alarms.presenters import words
from dosing.domain.quantities import format_quantity
from itbclinic.context import address_of

register = template.Library()


@register.filter
def quantity(value: Decimal | None, unit: str) -> str:
    """`2,000 mcg/mL`: the one way to write a quantity."""
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
    """A typed phone number as a `tel:` link takes it."""
    return "".join(sign for sign in phone if sign.isdigit() or sign in "+,;")


@register.filter
def pages(name: str) -> str:
    """The address of a page by name, empty where there is no such page."""
    return address_of(name)


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's control in Bootstrap's clothes; Django ties it to its help and errors."""
    kinds = {"select": "form-select", "checkbox": "form-check-input"}
    css = kinds.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.filter
def without_help(form: BaseForm) -> BaseForm:
    """The form without its help texts, where the page says it in other words."""
    for field in form.fields.values():
        field.help_text = ""
    return form
