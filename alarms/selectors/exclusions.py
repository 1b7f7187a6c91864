"""The pumps that a named person left off the lists, with whom they belong to."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from alarms.selectors import worklist


def excluded_with_people(of_clinics: Collection[int], search: str, now: datetime) -> list[Any]:
    """The excluded pumps whose patient the words find, each with patient, model, clinic, projection
    and its exclusions."""
    found = worklist.excluded_pumps(of_clinics, now).filter(
        worklist.matching(worklist.Filters(everything=True, search=search))
    )
    pumps = found.select_related("patient", "model", "clinic", "projection")
    return list(pumps.prefetch_related("exclusions__by", "exclusions__end"))


def count_recalculating(ids: Collection[int], now: datetime) -> int:
    """How many active pumps have no dates of their present facts yet."""
    fresh = Q(projection__input_version=F("input_version"))
    return worklist.active_pumps(ids, now).filter(Q(projection__isnull=True) | ~fresh).count()
