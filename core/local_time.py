"""The time zones that a clinic or a case may name, and the instants of their local times; and an
instant as programs read it."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from .rules import RuleViolation
from .words import format_date

# Names of a machine's own files, not of places: another machine may lack or mean other ones.
LOCAL_NAMES = {"localtime", "posixrules", "Factory"}
# At the calendar's edges there is no other zone's day.
YEARS: Final = range(1900, 3000)


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    """The names of the public time zone list, without a machine's own."""
    return frozenset(zoneinfo.available_timezones() - LOCAL_NAMES)


def iso_z(instant: datetime) -> str:
    """An instant as programs read it, in UTC, to the second: `2026-11-24T17:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_of(
    local: datetime, zone: zoneinfo.ZoneInfo, *, day_field: str, time_field: str
) -> datetime:
    """The UTC instant of a local date and time that somebody typed.

    The hour that comes twice when clocks go back is taken as the earlier: it warns earlier.

    Args:
        local: without a zone.
        day_field, time_field: the fields of the form, which a refusal names.

    Raises:
        RuleViolation: `bad_instant`, `time_does_not_exist`.
    """
    if local.year not in YEARS:
        raise RuleViolation.of(day_field, "bad_instant", "Check the year.")
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    before, after = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    skipped = abs((after or timedelta()) - (before or timedelta())) // timedelta(minutes=1)
    raise RuleViolation.of(
        time_field,
        "time_does_not_exist",
        f"{local:%H:%M} does not exist on {format_date(local.date())}: the clocks go forward by "
        f"{skipped} minutes. Write an earlier or a later time.",
    )
