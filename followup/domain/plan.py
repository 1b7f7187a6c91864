"""What is owed now, and to whom: from a pump's dates and appointments, without a clock.

Everything that is due **or overdue** is planned, never "what falls on today": after an outage the
same rule makes up for what was missed, with the most urgent milestone only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from alarms.domain.status import Status
from reminders.domain.promises import Obligation, PromiseKey

# What is owed: a refill of a pump, and a word to the family before a visit.
REFILL: Final = "refill"
VISIT: Final = "visit"
# What a message may be about; the first three are the nurses' ladder while nothing is booked.
WINDOW: Final = "window"
OVERDUE: Final = "overdue"
ALARM: Final = "alarm"
UNKNOWN: Final = "unknown"
APPOINTMENT_SOON: Final = "appointment_soon"
LADDER: Final = (WINDOW, OVERDUE, ALARM)
# The status that reaches each rung.
RUNGS: Final = {Status.DUE: 1, Status.OVERDUE: 2, Status.ALARM: 3, Status.EMPTY: 3}
FAMILY_DAYS: Final = 2
# A refill is not arranged in a day: a pump that may be empty this soon is somebody's task, as one
# is from its refill date on, which lies a week before the alarm.
SOON: Final = timedelta(days=7)
LATER_MILESTONE: Final = "later_milestone"
# A status that lasts a moment is nobody's task.
PASSING: Final = "recalculating"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom to tell: a reference, and the language to write in."""

    ref: str
    language: str


@dataclass(frozen=True, slots=True)
class Coming:
    """An appointment to come, with its calendar day in the clinic."""

    ref: str
    starts_at: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one pump that is on the list."""

    pump: str
    input_version: int
    today: date
    status: Status
    reason: str
    refill_due_on: date | None
    booked: bool
    # The earlier of the alarm date and the earliest empty date: the ladder counts to it.
    runs_out_on: date | None = None
    doubts: str = ""  # every reason why the status is unknown
    # The first day on which a refill is too late, the printed alarm date included.
    limit_on: date | None = None
    may_be_empty_on: date | None = None
    new: bool = False  # recorded moments ago: its first fill may still be on its way
    coming: Coming | None = None
    nurses: Sequence[Recipient] = ()
    family: Sequence[Recipient] = ()
    without_outcome: Sequence[str] = ()
    no_shows: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """A message that is owed. `superseded` says why only its place in the record is kept."""

    key: PromiseKey
    language: str
    to_family: bool = False
    superseded: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person, whether or not a message goes, too."""

    kind: str
    subject: str
    doubts: str = ""  # what it asks, where a pump may ask one question after another
    before: date | None = None  # the day before which it must be answered, where one is known


@dataclass(frozen=True, slots=True)
class Sent:
    """A row that the outbox has already: what it promised and what became of it."""

    promise: PromiseKey
    date_version: str
    live: bool  # neither superseded nor suppressed
    pending: bool


def rung_of(facts: Facts) -> int:
    """The rung of the ladder that is reached by today; 0 for none."""
    if facts.status == Status.UNKNOWN or facts.refill_due_on is None:
        return 0
    if facts.runs_out_on is not None and facts.runs_out_on <= facts.today:
        return len(LADDER)
    return RUNGS.get(facts.status, 0)


def may_run_out_soon(facts: Facts) -> bool:
    """Whether the pump beeps or may be empty before a refill is easily arranged."""
    early = facts.may_be_empty_on
    near = early is not None and early <= facts.today + SOON
    return near or rung_of(facts) == len(LADDER)


def promises(facts: Facts) -> list[Promise]:
    """Every message that is owed for this pump now."""
    return [*_to_nurses(facts), *_to_family(facts)]


def _to_nurses(facts: Facts) -> list[Promise]:
    obligation = Obligation(REFILL, facts.pump)
    if facts.status == Status.UNKNOWN:
        if facts.new or facts.reason == PASSING:
            return []
        return [_promise(obligation, facts.reason, UNKNOWN, nurse) for nurse in facts.nurses]
    reached = rung_of(facts)
    if facts.booked or not reached or facts.refill_due_on is None:
        return []
    stamp = facts.refill_due_on.isoformat()
    return [
        _promise(obligation, stamp, milestone, nurse, "" if rung == reached else LATER_MILESTONE)
        for rung, milestone in enumerate(LADDER[:reached], start=1)
        for nurse in facts.nurses
    ]


def _promise(
    obligation: Obligation, stamp: str, milestone: str, to: Recipient, superseded: str = ""
) -> Promise:
    key = PromiseKey(obligation, stamp, milestone, to.ref)
    return Promise(key, to.language, superseded=superseded)


def _to_family(facts: Facts) -> list[Promise]:
    coming = facts.coming
    if coming is None or not is_soon(coming, facts.today):
        return []
    obligation, stamp = Obligation(VISIT, coming.ref), coming.day.isoformat()
    return [
        Promise(
            PromiseKey(obligation, stamp, APPOINTMENT_SOON, person.ref),
            person.language,
            to_family=True,
        )
        for person in facts.family
    ]


def is_soon(coming: Coming, today: date) -> bool:
    """Whether it is time to tell the family."""
    return coming.day - today <= timedelta(days=FAMILY_DAYS)


def tasks(facts: Facts) -> list[Task]:
    """What a person must do for this pump now."""
    found = [Task("appointment_without_outcome", ref) for ref in facts.without_outcome]
    found += [Task("no_show", ref) for ref in facts.no_shows]
    if facts.status == Status.UNKNOWN and not facts.new and facts.reason != PASSING:
        found.append(Task("date_unknown", facts.pump, facts.doubts, facts.limit_on))
    elif (
        facts.status != Status.UNKNOWN
        and not facts.booked
        and facts.refill_due_on is not None
        and (facts.refill_due_on <= facts.today or may_run_out_soon(facts))
    ):
        found.append(Task("unbooked", facts.pump, "", facts.limit_on))
    coming = facts.coming
    if coming is not None and is_soon(coming, facts.today) and not facts.family:
        found.append(Task("call_family", coming.ref))
    return found


def version_for(promise: Promise, input_version: int, rows: Sequence[Sent]) -> str | None:
    """The date version of a promise's row; None when the record needs no further row.

    A promise that has a live row keeps it: the same date is not told twice because a program's
    note changed. One whose rows were all superseded or held back (booked and then cancelled,
    excluded and taken back) gets a new row, or it would be lost in silence.
    """
    same = [row for row in rows if row.promise == promise.key]
    for row in same:
        if row.live and (row.pending or not promise.superseded):
            return row.date_version
    if promise.superseded and same:
        return None
    count = f".{len(same)}" if same else ""
    return f"{promise.key.stamp}.v{input_version}{count}"


def why_not(facts: Facts | None, key: PromiseKey) -> str:
    """Why a message is not wanted any more, as a code; empty while it is."""
    if facts is None:
        return "off_the_list"  # excluded, taken out, or gone to another clinic
    owed = [one for one in promises(facts) if one.key.obligation == key.obligation]
    same = [promise for promise in owed if promise.key.stamp == key.stamp]
    for promise in same:
        if promise.key == key:
            return promise.superseded
    if same:
        return "recipient_gone"  # no consent, no address, no role
    if owed:
        return "date_changed"
    return "booked" if facts.booked and key.obligation.kind == REFILL else "not_owed"


def end_of_quiet(local: datetime, start: time, end: time) -> datetime | None:
    """When the quiet hours around this local instant end; None outside of them."""
    at = local.timetz().replace(tzinfo=None)
    if start == end:
        return None
    overnight = start > end
    quiet = (at >= start or at < end) if overnight else start <= at < end
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if overnight and at >= start else 0)
    # Of an hour that comes twice the second one: by then it is quiet no longer, however it is read.
    return datetime.combine(day, end, tzinfo=local.tzinfo).replace(fold=1)
