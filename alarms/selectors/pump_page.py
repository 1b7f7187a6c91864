"""Reads about one pump: how the board lists it, what people settled, when it was left off."""

from datetime import datetime

from alarms.models import Exclusion, Settlement
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump
from pumps.models import Pump


def listed_pump(pump: Pump, now: datetime) -> ListedPump | None:
    """The pump as the board lists it; None when it is excluded or taken out."""
    pumps = worklist.listed_pumps([pump.clinic_id], now).filter(pk=pump.pk)
    found = worklist.page(pumps, worklist.Filters(everything=True), size=1)
    return found[0] if found else None


def running_exclusion(pump: Pump, now: datetime) -> Exclusion | None:
    """The exclusion that keeps the pump off the list today."""
    today = now.astimezone(pump.clinic.zone).date()
    return pump.exclusions.filter(end__isnull=True, ends_on__gte=today).select_related("by").first()


def settlements_of(pump: Pump) -> list[Settlement]:
    """What people settled about the pump's present facts, newest first."""
    rows = pump.settlements.filter(input_version=pump.input_version)
    return list(rows.select_related("by").order_by("-id"))


def exclusions_of(pump: Pump) -> list[Exclusion]:
    """Every time the pump was left off the list, newest first."""
    return list(pump.exclusions.select_related("by", "end__by").order_by("-id"))
