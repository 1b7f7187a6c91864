"""One row of the worklist as the board and the patient's page show it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from alarms.domain.deadlines import is_too_late
from alarms.domain.status import Status
from alarms.models import ATTENTION, Projection, Reason
from alarms.selectors.deadlines import deadlines_in
from alarms.selectors.listed import ListedPump
from core import words
from core.quantities import PER_ML, format_quantity
from dosing.models import Mode, Program
from followup.selectors.work import NEAR
from refills.models import Fill

from . import states, window
from .messages import Reminder

LIMITS: Final = {"drug_stability": "drug limit", "max_interval": "clinic's limit"}


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The big figure and the small words under it."""

    big: str
    small: str
    near: str = ""  # said beside it where the pump may be empty within days


@dataclass(frozen=True, slots=True)
class Flag:
    """A warning in a few words; `tone` is the status whose colour it takes, or `calm`.

    A quiet one is true of many pumps for many weeks; it is loud when its day comes near.
    """

    tone: str
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """The next appointment, or that there is none."""

    day: str = ""
    time: str = ""
    note: str = ""
    tag: str = ""  # `Not booked`, `Late`, `Not before the alarm`
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A pump on the list, ready to be shown."""

    patient_uuid: UUID
    pump_uuid: UUID
    status: Status
    status_words: str
    doubt: str
    why: str
    remedy: str
    time_left: TimeLeft
    name: str
    born: str
    mrn: str
    clinic: str
    bar: window.Bar | None
    refill_weekday: str
    refill_by: str
    clock: str
    dose: str
    dose_note: str
    solution: str
    booking: Booking
    model: str
    serial_number: str
    flags: list[Flag] = field(default_factory=list)
    resolve: bool = False
    book: bool = False  # somebody should book or move its refill now
    reminder: Reminder = field(default_factory=Reminder)

    @property
    def no_dates(self) -> bool:
        """Nothing to show under the dates and the program: the reason takes their place."""
        return not self.refill_by and not self.dose


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says beyond its dates: the fill they are counted from and the program now."""

    fills: Mapping[int, Fill] = field(default_factory=dict)
    programs: Mapping[int, Sequence[Program]] = field(default_factory=dict)
    bookers: Collection[int] = ()  # the clinics in which the reader may book
    reminders: Mapping[int, Reminder] = field(default_factory=dict)


def present(row: ListedPump, facts: Facts) -> Row:
    """A row of the worklist in words."""
    pump, dates, status = row.pump, row.dates, row.status
    fill = facts.fills.get(pump.pk)
    why, remedy = explain_unknown(row.reason, dates, fill, facts.programs.get(pump.pk, ()))
    return Row(
        patient_uuid=row.patient.uuid,
        pump_uuid=pump.uuid,
        status=status,
        status_words=states.STATUS[status],
        doubt="To settle" if row.reason in ATTENTION else states.STATUS[status],
        why=why,
        remedy=remedy,
        time_left=time_left(status, dates, row.today),
        name=row.patient.display_name,
        born=words.birth(row.patient.date_of_birth, row.today),
        mrn=row.patient.mrn,
        clinic=row.clinic.name,
        bar=bar(dates, row.today, _booked_on(row)),
        refill_weekday=words.weekday(dates.refill_due_on)[:3] if dates.refill_due_on else "",
        refill_by=words.day(dates.refill_due_on) if dates.refill_due_on else "",
        clock=clock(dates, fill, row.clinic.max_interval_days),
        dose=_dose(dates),
        dose_note=_dose_note(dates),
        solution=_solution(dates, row.model.reservoir_ml),
        booking=_booking(row),
        model=row.model.name,
        serial_number=pump.serial_number or "no serial number",
        flags=flags(row),
        resolve=status == Status.UNKNOWN and row.reason != Reason.RECALCULATING,
        book=pump.clinic_id in facts.bookers
        and status not in (Status.UNKNOWN, Status.NOT_DUE)
        and not row.booked,
        reminder=facts.reminders.get(pump.pk) or Reminder(),
    )


def explain_unknown(
    reason: str, dates: Projection, fill: Fill | None, programs: Sequence[Program]
) -> tuple[str, str]:
    """Why nobody can say when this pump is due, and what to do about it."""
    if not reason:
        return "", ""
    why, remedy = states.UNKNOWN[Reason(reason)]
    if reason == Reason.CONCENTRATION_MISMATCH and fill is not None:
        other = _other_concentration(fill, programs)
        if other is not None:
            ours = format_quantity(fill.concentration_mcg_per_ml, PER_ML)
            why = f"The program is for {format_quantity(other, PER_ML)}, the fill is {ours}."
    if reason == Reason.ALARM_DATE_MISMATCH:
        ours = words.day(dates.alarm_date) if dates.alarm_date else "never"
        why = f"Alarm printed {words.day(dates.printed_alarm_date)}, ours {ours}."
    if reason == Reason.PUMP_STOPPED and dates.mode == Mode.STOPPED:
        why = "The pump is stopped."
    return why, remedy


def _other_concentration(fill: Fill, programs: Sequence[Program]) -> Decimal | None:
    """The concentration of the program that contradicts the fill."""
    begun = [program for program in programs if program.effective_at <= fill.at][-1:]
    counting = [*begun, *(program for program in programs if program.effective_at > fill.at)]
    ours = fill.concentration_mcg_per_ml
    differing = [p.concentration_mcg_per_ml for p in counting if p.concentration_mcg_per_ml != ours]
    return differing[0] if differing else None


def time_left(status: Status, dates: Projection, today: date) -> TimeLeft:
    """The days to what comes first, and where in its window the pump stands."""
    if status == Status.UNKNOWN or dates.refill_due_on is None:
        return TimeLeft("?", "treat as due", near_empty(dates, today))
    limit = LIMITS.get(dates.binding_clock, "")
    small = _small_words(status, dates, today, limit)
    near = "" if status == Status.EMPTY else near_empty(dates, today)
    if dates.alarm_date is None or (limit and status.rank >= Status.OVERDUE.rank):
        return TimeLeft(_days(dates.refill_due_on, today), small, near)
    return TimeLeft(_days(dates.alarm_date, today), small, near)


def near_empty(dates: Projection, today: date) -> str:
    """`may be empty tomorrow`: where that is within the week; empty where it is not."""
    earliest = dates.earliest_empty_date
    if earliest is None or earliest > today + NEAR:
        return ""
    return states.may_be_empty(earliest, today)


def _days(value: date, today: date) -> str:
    days = (value - today).days
    return words.count(days, "day") if days else "Today"


def _small_words(status: Status, dates: Projection, today: date, limit: str) -> str:
    due = dates.refill_due_on or today
    if status == Status.EMPTY:
        empty = dates.empty_date or today
        return "empty today" if empty >= today else f"empty since {words.day(empty)}"
    if status == Status.ALARM:
        return f"empty {words.ahead(dates.empty_date, today)}" if dates.empty_date else "alarm"
    if status == Status.OVERDUE:
        return (
            f"past the {limit}"
            if limit
            else f"refill {words.count((today - due).days, 'day')} late"
        )
    if status == Status.DUE:
        return f"to the {limit}" if limit else "window open"
    opens = words.day(dates.window_opens_on)
    return f"to the {limit}" if limit else f"window opens {opens}"


def _booked_on(row: ListedPump) -> date | None:
    at = row.appointment.starts_at if row.appointment else None
    return at.astimezone(row.clinic.zone).date() if at else None


def bar(dates: Projection, today: date, booked: date | None) -> window.Bar | None:
    """The bar of the refill window; None where there are no dates."""
    if dates.refill_due_on is None:
        return None
    return window.draw(
        window.Dates(
            today=today,
            opens=dates.window_opens_on or dates.refill_due_on,
            due=dates.refill_due_on,
            alarm=dates.alarm_date,
            empty=dates.empty_date,
            limited=dates.binding_clock in LIMITS,
            booked=booked,
        )
    )


def clock(dates: Projection, fill: Fill | None, max_interval_days: int | None) -> str:
    """The clock that binds the refill date: `alarm 21-Nov-2026`, `180 days in the pump`."""
    if dates.binding_clock == "low_reservoir":
        return f"alarm {words.day(dates.alarm_date)}"
    if dates.binding_clock == "max_interval":
        if max_interval_days in (365, 366):
            return "yearly limit"
        return f"clinic's {max_interval_days}-day limit"
    if dates.binding_clock == "drug_stability":
        if fill is not None and fill.use_by == dates.stability_date:
            return "use-by date of the drug"
        if fill is not None and fill.stability_days:
            return f"{words.count(fill.stability_days, 'day')} in the pump"
        return "drug's days in the pump"
    return ""


def _dose(dates: Projection) -> str:
    if dates.daily_dose_mcg is None:
        return ""
    return format_quantity(dates.daily_dose_mcg, "mcg/day")


def _dose_note(dates: Projection) -> str:
    """How the dose runs, where it is not the same all day and every day."""
    if dates.mode in ("", Mode.SIMPLE_CONTINUOUS):
        return ""
    mode = Mode(dates.mode).label.lower()
    low, high = dates.daily_dose_min_mcg, dates.daily_dose_mcg
    if low is None or high is None or low == high:
        return mode
    return f"{mode}, least {format_quantity(low, 'mcg/day')}"


def _solution(dates: Projection, reservoir_ml: Decimal) -> str:
    reservoir = format_quantity(reservoir_ml, "mL")
    if dates.concentration_mcg_per_ml is None:
        return reservoir
    return f"{format_quantity(dates.concentration_mcg_per_ml, PER_ML)} · {reservoir}"


def _booking(row: ListedPump) -> Booking:
    coming, dates = row.appointment, row.dates
    if coming is None:
        return Booking(tag="Not booked")
    local = coming.starts_at.astimezone(row.clinic.zone)
    booked, time = local.date(), f"{local:%H:%M} {words.zone_name(local)}"
    if dates.refill_due_on is None:
        return Booking(words.weekday(booked), time, uuid=coming.uuid)
    note, tag = _judge(booked, dates, dates.refill_due_on)
    return Booking(words.weekday(booked), time, note, tag, coming.uuid)


def _judge(booked: date, dates: Projection, due: date) -> tuple[str, str]:
    """How the appointment lies to the dates, and the word for one that comes too late."""
    deadlines = deadlines_in(dates)
    limit = deadlines.limit
    if is_too_late(booked, deadlines) and limit is not None:
        if limit.kind.endswith("alarm"):
            return _against(booked, limit.day, "alarm"), "Not before the alarm"
        return f"may be empty from {words.day(limit.day)}", "May be empty by then"
    if booked > due:
        return _against(booked, due, "refill date"), "Late"
    if dates.binding_clock == "low_reservoir" and dates.alarm_date is not None:
        return _against(booked, dates.alarm_date, "alarm"), ""
    return _against(booked, due, "limit"), ""


def _against(booked: date, target: date, noun: str) -> str:
    days = (target - booked).days
    if days == 0:
        return f"on the day of the {noun}"
    return f"{words.count(abs(days), 'day')} {'before' if days > 0 else 'after'} the {noun}"


def flags(row: ListedPump) -> list[Flag]:
    """The warnings of a row, the most urgent first."""
    pump, dates = row.pump, row.dates
    found = [*may_be_empty(row.status, dates, row.today)]
    if Reason.ALARM_DATE_MISMATCH in dates.attention and row.reason == "":
        ours = words.day(dates.alarm_date) if dates.alarm_date else "never"
        printed = words.day(dates.printed_alarm_date)
        found.append(Flag(Status.UNKNOWN, f"Alarm printed {printed}, ours {ours} (settled)"))
    if Reason.PUMP_STOPPED in dates.attention and row.reason == "":
        found.append(Flag(Status.UNKNOWN, "Stopped or at minimum rate (settled)"))
    if "pump_clock_offset" in dates.flags:
        found.append(Flag(Status.OVERDUE, "Pump clock differs from the clinic's"))
    if pump.low_reservoir_alarm_assumed:
        volume = format_quantity(pump.low_reservoir_alarm_ml, "mL")
        found.append(Flag("calm", f"Alarm volume assumed: {volume}", quiet=True))
    return found


def may_be_empty(status: Status, dates: Projection, today: date) -> Iterator[Flag]:
    """That the pump may run dry before it beeps or is called late, and from when."""
    earliest = dates.earliest_empty_date
    expected = {"may_be_empty_before_due", "may_be_empty_before_alarm"} & set(dates.flags)
    if earliest is None or not expected or status == Status.EMPTY:
        return
    if earliest <= today:
        yield Flag(Status.ALARM, f"May be empty already, since {words.day(earliest)}")
        return
    before = "the refill date" if "may_be_empty_before_due" in expected else "it beeps"
    near = earliest <= today + NEAR
    text = f"May be empty from {words.day(earliest)}, before {before}"
    yield Flag(Status.ALARM if near else "calm", text, quiet=not near)
