"""What is said after a booking changed: that a paper which is out no longer holds."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.policies import Action, may
from core import words
from pumps.models import Pump
from visits.selectors.summaries import changed_of_pump, prints_of

from .access import user_of

BOOKED: Final = "does not name this appointment"
MOVED: Final = "names another appointment"
CANCELLED: Final = "names an appointment that is cancelled"


def say(request: HttpRequest, pump: Pump, what: str) -> None:
    """A message with a link to the new paper, where the family has one that holds no longer."""
    row = changed_of_pump(pump)
    if row is None:
        return
    last = prints_of([row])[row.visit_id][0]
    printed = words.day(last.at.astimezone(pump.clinic.zone).date())
    text = f"The paper printed on {printed} {what}: print it again and tell the family."
    if may(user_of(request), Action.PRINT_SUMMARY, pump.clinic_id):
        url = reverse("summary", args=[row.uuid])
        text = format_html('{} <a href="{}">Open the new paper</a>', text, url)
    messages.warning(request, text)
