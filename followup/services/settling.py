"""What a named person settles: a doubtful date, or that a pump is left off the lists for a time."""

from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.policies import Action, check_may
from alarms.models import Exclusion, ExclusionEnd, Projection, Settlement
from alarms.selectors.deadlines import deadlines_of
from core.rules import RuleViolation
from core.words import format_date
from pumps.models import Pump
from pumps.services import audit_pump, lock_pump
from pumps.services.devices import check_in_place

from .reasons import SHORT, check_reason_and_end
from .resyncing import resync


@transaction.atomic
def settle(
    *,
    pump: Pump,
    settles: str,
    reason: str,
    ends_on: date,
    by: User,
    now: datetime,
    seen_version: int,
) -> Settlement:
    """Let a doubtful date stand until a day. New facts ask the question anew.

    Args:
        settles: one of `alarms.models.ATTENTION`.
        seen_version: the pump's `input_version` on the page that the user decided from.

    Raises:
        RuleViolation: also `stale` and `nothing_to_settle`.
    """
    locked = lock_pump(pump.pk)
    check_may(by, Action.SETTLE, locked.clinic)
    if locked.input_version != seen_version:
        raise RuleViolation.of(
            "seen_version", "stale", "The pump's record has changed. Look again, then decide."
        )
    check_reason_and_end(reason, ends_on, _today(locked, now))
    if settles not in Projection.objects.get(pump=locked).attention:
        raise RuleViolation.of(
            "settles", "nothing_to_settle", "There is no such question about this pump any more."
        )
    row = Settlement.objects.create(
        pump=locked,
        input_version=locked.input_version,
        settles=settles,
        reason=reason.strip(),
        ends_on=ends_on,
        at=now,
        by=by,
    )
    audit_pump(
        locked, "date.settled", by, now, reason, after={"settles": settles, "ends_on": str(ends_on)}
    )
    resync([locked.pk], now=now)
    return row


@transaction.atomic
def exclude(*, pump: Pump, reason: str, ends_on: date, by: User, now: datetime) -> Exclusion:
    """Leave a pump off the lists until a day. It is back before it may run dry; one that may
    already, or whose date nobody knows, is back within a week.

    Raises:
        RuleViolation: also `already_excluded`, `back_too_late` and `already_explanted`.
    """
    locked = lock_pump(pump.pk)
    check_may(by, Action.SETTLE, locked.clinic)
    check_in_place(locked)
    today = _today(locked, now)
    check_reason_and_end(reason, ends_on, today)
    _check_back_in_time(locked, ends_on, now)
    if Exclusion.objects.filter(pump=locked, ends_on__gte=today, end__isnull=True).exists():
        raise RuleViolation.of("pump", "already_excluded", "This pump is excluded already.")
    row = Exclusion.objects.create(
        pump=locked, reason=reason.strip(), ends_on=ends_on, at=now, by=by
    )
    audit_pump(locked, "pump.excluded", by, now, reason, after={"ends_on": str(ends_on)})
    resync([locked.pk], now=now)
    return row


@transaction.atomic
def end_exclusion(*, exclusion: Exclusion, reason: str, by: User, now: datetime) -> ExclusionEnd:
    """Put an excluded pump back on the lists before its day."""
    locked = lock_pump(exclusion.pump_id)
    check_may(by, Action.SETTLE, locked.clinic)
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Write why the exclusion ends now.")
    if ExclusionEnd.objects.filter(exclusion=exclusion).exists():
        raise RuleViolation.of("pump", "not_excluded", "This exclusion has ended already.")
    row = ExclusionEnd.objects.create(exclusion=exclusion, reason=reason.strip(), at=now, by=by)
    audit_pump(locked, "pump.exclusion_ended", by, now, reason)
    resync([locked.pk], now=now)
    return row


def _check_back_in_time(pump: Pump, ends_on: date, now: datetime) -> None:
    dates, doubtful = deadlines_of(pump, now)
    soon = _today(pump, now) + SHORT
    if dates.due is None or doubtful:
        latest, why = soon, "Nobody is sure of this pump's date"
    else:
        first, why = dates.due, f"This pump's refill is due by {format_date(dates.due)}"
        if dates.may_be_empty is not None:
            first = min(first, dates.may_be_empty)
            why += f", and it may be empty from {format_date(dates.may_be_empty)}"
        latest = max(soon, first - timedelta(days=1))
    if ends_on <= latest:
        return
    raise RuleViolation.of(
        "ends_on",
        "back_too_late",
        f"{why}: it must be back on the list in time. End it by {format_date(latest)}; it can be "
        "left off again then.",
    )


def _today(pump: Pump, now: datetime) -> date:
    return now.astimezone(pump.clinic.zone).date()
