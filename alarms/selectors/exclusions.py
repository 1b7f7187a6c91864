"""The pumps that a named person left off the lists, with whom they belong to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q

from alarms.models import Exclusion, Projection
from alarms.selectors import worklist
from pumps.models import Pump

from .deadlines import dates_of


@dataclass(frozen=True, slots=True)
class ExcludedPump:
    """A pump that is left off, the decision that holds longest, and its dates as they stand.

    `today` is the clinic's date; `dates` is blank where there are none of present facts.
    """

    pump: Pump
    exclusion: Exclusion
    today: date
    dates: Projection


def excluded_with_people(
    of_clinics: Collection[int], search: str, now: datetime
) -> list[ExcludedPump]:
    """The excluded pumps whose patient the words find, each with patient, model and clinic."""
    found = worklist.excluded_pumps(of_clinics, now).filter(
        worklist.matching(worklist.Filters(everything=True, search=search))
    )
    pumps = found.select_related("patient", "model", "clinic", "projection")
    return [
        ExcludedPump(pump, _running(pump), now.astimezone(pump.clinic.zone).date(), dates_of(pump))
        for pump in pumps.prefetch_related("exclusions__by", "exclusions__end")
    ]


def _running(pump: Pump) -> Exclusion:
    running = [row for row in pump.exclusions.all() if not hasattr(row, "end")]
    return max(running, key=lambda row: row.ends_on)


def count_recalculating(ids: Collection[int], now: datetime) -> int:
    """How many active pumps have no dates of their present facts yet."""
    fresh = Q(projection__input_version=F("input_version"))
    return worklist.active_pumps(ids, now).filter(Q(projection__isnull=True) | ~fresh).count()
