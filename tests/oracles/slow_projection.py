"""The slow oracle of docs/calculations.md: one pump between two fills, walked minute by minute.

It is written from that page alone and shares no code and no method with the application: no sums
of whole weeks, no formula for a date. It adds up what the pump delivers, minute after minute, and
writes down when something happens. Where an event has seconds, the minute is cut there. Numbers
are fractions; for speed the walk counts whole units of a volume so small that every rate, every
threshold and every moment is a whole number of them. Nothing is rounded before the last line.

It expects a valid case (docs/contracts.md, "Projection cases") and checks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor, lcm
from typing import Any
from zoneinfo import ZoneInfo

Case = dict[str, Any]
Program = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTES_A_DAY = 1440
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


# --- reading the case --------------------------------------------------------------------------


def number(value: Any) -> Fraction:
    """A quantity is a string such as "0.048"; it becomes exactly that fraction."""
    return Fraction(str(value))


def instant(text: str) -> Fraction:
    """An RFC 3339 instant as minutes since 1970 in UTC, exact to the microsecond."""
    passed = datetime.fromisoformat(text) - EPOCH
    return Fraction(passed // timedelta(microseconds=1), 60_000_000)


def minute_of_day(hh_mm: str) -> int:
    hours, minutes = hh_mm.split(":")
    return int(hours) * 60 + int(minutes)


def concentration(case: Case) -> Fraction:
    return number(case["fill"]["concentration_mcg_per_ml"])


def concentration_of(program: Program, case: Case) -> Fraction:
    """Of a program that leaves it out, the concentration is the fill's."""
    own = program.get("concentration_mcg_per_ml")
    return concentration(case) if own is None else number(own)


# --- which program, which boluses --------------------------------------------------------------


def program_in_force(case: Case, moment: Fraction) -> Program | None:
    """The latest one that is not after the moment; of two at one instant, the last listed."""
    found = None
    for program in case["programs"]:
        begins = instant(program["effective_at"])
        if begins > moment:
            continue
        if found is None or begins >= instant(found["effective_at"]):
            found = program
    return found


def in_force_from_the_fill(case: Case, moment: Fraction) -> Program:
    program = program_in_force(case, moment)
    assert program is not None, "asked only when there is one at the fill, and then there always is"
    return program


def programs_from_the_fill_on(case: Case) -> list[Program]:
    """The one in force at the fill, and each that takes effect later.

    Of two later ones at one instant the first is never in force. It is listed all the same: one
    of another concentration then makes the answer unknown, which is the reading that warns earlier.
    """
    fill_at = instant(case["fill"]["at"])
    later = [p for p in case["programs"] if instant(p["effective_at"]) > fill_at]
    return [in_force_from_the_fill(case, fill_at), *later]


@dataclass
class Bolus:
    begins: Fraction
    ends: Fraction
    ml_per_minute: Fraction
    replaces_program: bool

    def runs_at(self, moment: Fraction) -> bool:
        return self.begins <= moment < self.ends


def boluses(case: Case) -> list[Bolus]:
    """Doses are of the fill's drug, spread evenly over the bolus's minutes."""
    found = []
    for given in case["boluses"]:
        begins = instant(given["at"])
        minutes = number(given["minutes"])
        volume = number(given["dose_mcg"]) / concentration(case)
        replaces = bool(given.get("replaces_program"))
        found.append(Bolus(begins, begins + minutes, volume / minutes, replaces))
    return found


# --- what a program delivers -------------------------------------------------------------------


@dataclass
class Week:
    """A program's rates (mL a minute), and which of them runs in each pump-clock minute.

    The week begins on the pump's own clock on Monday 00:00.
    """

    rates: list[Fraction]
    minutes: list[int]


def week_of(program: Program, case: Case) -> Week:
    mode = program["mode"]
    if mode == "flex":
        return flex_week(program, concentration(case))
    if mode == "periodic_bolus":
        return periodic_bolus_week(program, concentration(case))
    if mode == "simple_continuous":
        rate = number(program["daily_dose_mcg"]) / concentration(case) / MINUTES_A_DAY
    elif mode == "minimum_rate":
        rate = number(case["pump"]["min_ml_per_day"]) / MINUTES_A_DAY
    else:
        assert mode == "stopped", mode
        rate = Fraction(0)
    return Week([rate], [0] * MINUTES_A_WEEK)


def flex_week(program: Program, mcg_per_ml: Fraction) -> Week:
    """A step's dose is its whole dose, from its start until the next start, or until midnight."""
    week = Week([], [-1] * MINUTES_A_WEEK)
    for group in program["groups"]:
        steps = group["steps"]
        starts = [minute_of_day(step["start"]) for step in steps]
        ends = [*starts[1:], MINUTES_A_DAY]
        for step, start, end in zip(steps, starts, ends, strict=True):
            week.rates.append(number(step["dose_mcg"]) / mcg_per_ml / (end - start))
            for day in group["days"]:
                midnight = DAYS.index(day) * MINUTES_A_DAY
                for minute in range(midnight + start, midnight + end):
                    week.minutes[minute] = len(week.rates) - 1
    assert -1 not in week.minutes, "a day without steps"
    return week


def periodic_bolus_week(program: Program, mcg_per_ml: Fraction) -> Week:
    """Round the clock in phase with first_at; a bolus may cross midnight, also Sunday's."""
    basal = number(program["basal_mcg_per_hour"]) / mcg_per_ml / 60
    minutes = int(program["bolus_minutes"])
    bolus = number(program["bolus_mcg"]) / mcg_per_ml / minutes
    during = bolus if program["basal_suspended"] else bolus + basal
    week = Week([basal, during], [0] * MINUTES_A_WEEK)
    first = minute_of_day(program["first_at"])
    for start in range(first, first + MINUTES_A_WEEK, int(program["interval_minutes"])):
        for minute in range(start, start + minutes):
            week.minutes[minute % MINUTES_A_WEEK] = 1
    return week


def daily_doses(program: Program, case: Case) -> list[Fraction]:
    """The 24-hour total in mcg of each kind of pump-clock day, from the numbers as written."""
    mode = program["mode"]
    if mode == "simple_continuous":
        return [number(program["daily_dose_mcg"])]
    if mode == "flex":
        groups = program["groups"]
        return [sum((number(s["dose_mcg"]) for s in g["steps"]), Fraction(0)) for g in groups]
    if mode == "minimum_rate":
        return [number(case["pump"]["min_ml_per_day"]) * concentration(case)]
    if mode == "periodic_bolus":
        times = MINUTES_A_DAY // int(program["interval_minutes"])
        hourly = number(program["basal_mcg_per_hour"])
        total = 24 * hourly + times * number(program["bolus_mcg"])
        if program["basal_suspended"]:
            total -= times * int(program["bolus_minutes"]) * hourly / 60
        return [total]
    return [Fraction(0)]


# --- the walk ----------------------------------------------------------------------------------


@dataclass
class Walk:
    """Moments as minutes since 1970; None where it never happens."""

    alarm: Fraction | None
    empty: Fraction | None
    earliest_empty: Fraction | None
    residuals: list[Fraction]


@dataclass
class Units:
    """Whole units: `ticks` of time to a minute, `parts` of volume to a mL.

    They are so small that each moment, rate and threshold of this case is a whole number of them.
    """

    ticks: int
    parts: int

    def time(self, moment: Fraction) -> int:
        return exactly(moment * self.ticks)

    def volume(self, ml: Fraction) -> int:
        return exactly(ml * self.parts)

    def rate(self, ml_per_minute: Fraction) -> int:
        return exactly(ml_per_minute / self.ticks * self.parts)


def exactly(value: Fraction) -> int:
    assert value.denominator == 1, value
    return value.numerator


@dataclass
class Flow:
    """What runs between two neighbouring moments of change: in parts a tick, by pump minute."""

    rates: list[int]
    minutes: list[int]
    utc_offset_minutes: int

    def at(self, minute: int) -> int:
        return self.rates[self.minutes[pump_clock_minute(minute, self.utc_offset_minutes)]]

    def never_delivers(self) -> bool:
        return not any(self.rates[level] for level in self.minutes)


@dataclass
class Reservoir:
    """What was delivered so far, when each goal was reached, and the goals still waited for."""

    delivered: int
    reached: dict[str, Fraction]
    waiting: list[tuple[int, str]]


def thresholds(case: Case) -> dict[str, Fraction]:
    """How many mL, at the programmed rate, must have been delivered for each thing to happen."""
    volume = number(case["fill"]["volume_ml"])
    faster = 1 + number(case["pump"]["flow_accuracy_percent"]) / 100
    return {
        "alarm": volume - number(case["pump"]["low_reservoir_alarm_ml"]),
        "earliest_empty": volume / faster,
        "empty": volume,
    }


def moments_of_change(case: Case) -> list[Fraction]:
    """The fill, and after it whatever changes the rate or is asked about. Nothing else cuts."""
    fill_at = instant(case["fill"]["at"])
    moments = [fill_at]
    moments += [instant(program["effective_at"]) for program in case["programs"]]
    moments += [instant(text) for text in case["residual_at"]]
    for bolus in boluses(case):
        moments += [bolus.begins, bolus.ends]
    return sorted({moment for moment in moments if moment >= fill_at})


def pump_clock_minute(minute: int, utc_offset_minutes: int) -> int:
    """Which minute of the pump's own week it is. 1970-01-01 was a Thursday."""
    return (3 * MINUTES_A_DAY + minute + utc_offset_minutes) % MINUTES_A_WEEK


def whole_units(case: Case, moments: list[Fraction], weeks: list[Week]) -> Units:
    ticks = lcm(*(moment.denominator for moment in moments))
    volumes = [rate / ticks for week in weeks for rate in week.rates]
    volumes += [bolus.ml_per_minute / ticks for bolus in boluses(case)]
    volumes += list(thresholds(case).values())
    return Units(ticks, lcm(*(volume.denominator for volume in volumes)))


def flow_from(case: Case, moment: Fraction, week: Week, units: Units) -> Flow:
    """The program with the boluses on top of it, or without it while a bridge runs."""
    running = [bolus for bolus in boluses(case) if bolus.runs_at(moment)]
    rates = [units.rate(rate) for rate in week.rates]
    if any(bolus.replaces_program for bolus in running):
        rates = [0 for _ in rates]
    on_top = sum(units.rate(bolus.ml_per_minute) for bolus in running)
    program = in_force_from_the_fill(case, moment)
    return Flow([rate + on_top for rate in rates], week.minutes, int(program["utc_offset_minutes"]))


def walk_minutes(
    reservoir: Reservoir, flow: Flow, start: int, end: int | None, units: Units
) -> None:
    """Minute by minute from start to end, or until the reservoir is empty."""
    now = start
    while reservoir.waiting and (end is None or now < end):
        minute = now // units.ticks
        until = (minute + 1) * units.ticks
        if end is not None and end < until:
            until = end
        rate = flow.at(minute)
        after = reservoir.delivered + rate * (until - now)
        while reservoir.waiting and after >= reservoir.waiting[0][0]:
            goal, name = reservoir.waiting.pop(0)
            ticks_later = Fraction(goal - reservoir.delivered, rate)
            reservoir.reached[name] = (now + ticks_later) / units.ticks
        reservoir.delivered = after
        now = until


def at_the_fill(case: Case, fill_at: Fraction, units: Units) -> Reservoir:
    """Nothing is delivered yet; a fill at or under the alarm volume alarms at once."""
    goals = [(units.volume(goal), name) for name, goal in thresholds(case).items()]
    reached = {name: fill_at for goal, name in goals if goal <= 0}
    return Reservoir(0, reached, sorted((goal, name) for goal, name in goals if goal > 0))


def walk(case: Case) -> Walk:
    moments = moments_of_change(case)
    weeks = {id(program): week_of(program, case) for program in programs_from_the_fill_on(case)}
    units = whole_units(case, moments, list(weeks.values()))
    reservoir = at_the_fill(case, moments[0], units)
    delivered_at: dict[Fraction, int] = {}
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        delivered_at[moment] = reservoir.delivered
        week = weeks[id(in_force_from_the_fill(case, moment))]
        flow = flow_from(case, moment, week, units)
        if following is None and flow.never_delivers():
            break
        end = None if following is None else units.time(following)
        walk_minutes(reservoir, flow, units.time(moment), end, units)
    reached = reservoir.reached
    return Walk(
        reached.get("alarm"),
        reached.get("empty"),
        reached.get("earliest_empty"),
        residuals(case, delivered_at, units),
    )


def residuals(case: Case, delivered_at: dict[Fraction, int], units: Units) -> list[Fraction]:
    """max(0, volume - delivered), and the volume before the fill."""
    volume = number(case["fill"]["volume_ml"])
    found = []
    for text in case["residual_at"]:
        delivered = Fraction(delivered_at.get(instant(text), 0), units.parts)
        found.append(max(Fraction(0), volume - delivered))
    return found


# --- dates -------------------------------------------------------------------------------------


def utc_second(moment: Fraction) -> datetime:
    """Floored to the second."""
    return EPOCH + timedelta(seconds=floor(moment * 60))


def clinic_date(case: Case, moment: Fraction) -> date:
    return utc_second(moment).astimezone(ZoneInfo(case["timezone"])).date()


def pump_clock_date(case: Case, moment: Fraction) -> date:
    program = in_force_from_the_fill(case, moment)
    offset = timedelta(minutes=int(program["utc_offset_minutes"]))
    return (utc_second(moment) + offset).date()


def date_of(case: Case, moment: Fraction | None) -> date | None:
    """The earlier of the clinic's calendar date and the pump clock's."""
    if moment is None:
        return None
    return min(clinic_date(case, moment), pump_clock_date(case, moment))


def fill_date(case: Case) -> date:
    return clinic_date(case, instant(case["fill"]["at"]))


def stability_date(case: Case) -> date | None:
    """The earlier of fill date + stability_days and use_by."""
    dates = []
    if case["fill"].get("stability_days") is not None:
        dates.append(fill_date(case) + timedelta(days=int(case["fill"]["stability_days"])))
    if case["fill"].get("use_by") is not None:
        dates.append(date.fromisoformat(case["fill"]["use_by"]))
    return min(dates) if dates else None


def clocks(case: Case, alarm_date: date | None) -> list[tuple[date, str]]:
    """The clocks there are, in the order in which a tie is decided."""
    found = []
    if alarm_date is not None:
        lead = timedelta(days=int(case["refill_lead_days"]))
        found.append((alarm_date - lead, "low_reservoir"))
    stable_until = stability_date(case)
    if stable_until is not None:
        found.append((stable_until, "drug_stability"))
    if case.get("max_interval_days") is not None:
        longest = timedelta(days=int(case["max_interval_days"]))
        found.append((fill_date(case) + longest, "max_interval"))
    return found


# --- the answer --------------------------------------------------------------------------------


def unknown_reason(case: Case) -> str | None:
    """All reasons but no_deadline, in the order decided by the lead."""
    if case.get("fill") is None:
        return "no_fill"
    fill_at = instant(case["fill"]["at"])
    if case.get("as_of") is not None and instant(case["as_of"]) < fill_at:
        return "fill_in_future"
    if program_in_force(case, fill_at) is None:
        return "no_program"
    for program in programs_from_the_fill_on(case):
        if concentration_of(program, case) != concentration(case):
            return "concentration_mismatch"
    return None


def unknown(case: Case, reason: str) -> dict[str, Any]:
    return {"id": case["id"], "status": "unknown", "reason": reason}


def answer(case: Case) -> dict[str, Any]:
    reason = unknown_reason(case)
    if reason is not None:
        return unknown(case, reason)
    walked = walk(case)
    alarm_date = date_of(case, walked.alarm)
    found = clocks(case, alarm_date)
    if not found:
        return unknown(case, "no_deadline")
    binding_date = min(day for day, _ in found)
    binding_clock = next(name for day, name in found if day == binding_date)
    due = max(binding_date, fill_date(case))
    opens = max(due - timedelta(days=int(case["window_days"])), fill_date(case))
    earliest_empty = date_of(case, walked.earliest_empty)
    return {
        "id": case["id"],
        "status": "known",
        "reason": None,
        "alarm_at": instant_text(walked.alarm),
        "alarm_date": date_text(alarm_date),
        "empty_at": instant_text(walked.empty),
        "empty_date": date_text(date_of(case, walked.empty)),
        "earliest_empty_date": date_text(earliest_empty),
        "stability_date": date_text(stability_date(case)),
        "refill_due_on": date_text(due),
        "window_opens_on": date_text(opens),
        "binding_clock": binding_clock,
        "may_be_empty_before_alarm": on_or_before(earliest_empty, alarm_date),
        "may_be_empty_before_due": on_or_before(earliest_empty, due),
        "residual_ml": [quantity_text(residual) for residual in walked.residuals],
        **daily(case),
    }


def daily(case: Case) -> dict[str, str]:
    """Of the program in force at as_of, or at the fill. People see the largest and the smallest."""
    moment = instant(case["as_of"] if case.get("as_of") is not None else case["fill"]["at"])
    doses = daily_doses(in_force_from_the_fill(case, moment), case)
    return {
        "daily_dose_mcg": quantity_text(max(doses)),
        "daily_dose_min_mcg": quantity_text(min(doses)),
        "daily_volume_ml": quantity_text(max(doses) / concentration(case)),
    }


def on_or_before(first: date | None, second: date | None) -> bool:
    """Whether the pump may be empty by a day; a day that never comes is later than any."""
    return first is not None and (second is None or first <= second)


def instant_text(moment: Fraction | None) -> str | None:
    return None if moment is None else utc_second(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def date_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def quantity_text(value: Fraction) -> str:
    """A plain decimal to twelve places, cut there, so that it is never more than there is."""
    whole, rest = divmod(floor(value * 10**12), 10**12)
    return f"{whole}.{rest:012d}"
