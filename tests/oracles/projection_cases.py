"""Hypothesis strategies for valid projection cases of every kind (docs/contracts.md).

Rates are high, so that an interval is days to some months and the oracle's walk stays short.
Flows are drawn first and doses follow from them, so every case keeps the pump's own limits.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import strategies as st

Case = dict[str, Any]
Program = dict[str, Any]

ZONES = [
    "America/Denver",
    "America/New_York",
    "America/St_Johns",
    "America/Phoenix",
    "America/Santiago",
    "America/Anchorage",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
]
OFFSETS = [-720, -600, -480, -420, -360, -300, -210, 0, 60, 120, 330, 345, 570, 630, 765, 840]
CONCENTRATIONS = ["500", "1000", "2000", "2000.0", "4000", "50", "1901.869159", "333.3"]
INTERVALS = [15, 30, 45, 60, 72, 90, 120, 160, 240, 288, 360, 480, 720, 1440]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY = 1440


# --- numbers and instants as text --------------------------------------------------------------


def plain(value: Fraction, places: int) -> str:
    """Rounded up to so many places, as a plain decimal."""
    whole, rest = divmod(ceil(value * 10**places), 10**places)
    return f"{whole}.{rest:0{places}d}" if places else str(whole)


def hh_mm(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def rfc3339(moment: datetime, offset_minutes: int = 0) -> str:
    """With Z or, for the same instant, with another offset."""
    local = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    text = local.isoformat()
    return text.replace("+00:00", "Z") if offset_minutes == 0 else text


def seldom(draw: st.DrawFn, one_in: int) -> bool:
    """Not at an end of the range: hypothesis likes those, and shrinks to the first."""
    return draw(st.integers(1, one_in)) == (one_in + 3) // 2


@st.composite
def texts_of(draw: st.DrawFn, moment: datetime) -> str:
    return rfc3339(moment, draw(st.sampled_from([0, 0, 0, -420, 330])))


@st.composite
def seconds(draw: st.DrawFn) -> timedelta:
    """Mostly whole minutes; sometimes seconds, seldom a fraction of one."""
    kind = draw(st.integers(0, 9))
    if kind < 7:
        return timedelta(0)
    if kind < 9:
        return timedelta(seconds=draw(st.integers(0, 59)))
    return timedelta(microseconds=draw(st.integers(0, 59_999_999)))


@st.composite
def moments_near(draw: st.DrawFn, base: datetime, first: int, last: int) -> datetime:
    """From `first` to `last` minutes after base, sometimes a whole number of hours or days."""
    step = draw(st.sampled_from([1, 1, 60, DAY]))
    minutes = draw(st.integers(-(-first // step), last // step)) * step
    moment = base + timedelta(minutes=minutes)
    return moment if step > 1 else moment + draw(seconds())


# --- programs ----------------------------------------------------------------------------------


class Flows:
    """Draws flows in mL/day that the pump allows, as whole hundredths."""

    def __init__(self, lowest: int, highest: int, zero: bool) -> None:
        self.lowest, self.highest, self.zero = lowest, highest, zero

    def draw(self, draw: st.DrawFn) -> Fraction:
        if self.zero and seldom(draw, 5):
            return Fraction(0)
        nice = [n for n in (10, 25, 50, 100, 200) if self.lowest <= n <= self.highest]
        pick = st.integers(self.lowest, self.highest)
        if nice:
            pick = pick | st.sampled_from(nice)
        return Fraction(draw(pick), 100)


@st.composite
def simple(draw: st.DrawFn, flows: Flows, mcg_per_ml: Fraction) -> Program:
    dose = flows.draw(draw) * mcg_per_ml
    return {"mode": "simple_continuous", "daily_dose_mcg": plain(dose, draw(st.integers(0, 3)))}


@st.composite
def day_groups(draw: st.DrawFn) -> list[list[str]]:
    """1 to 7 groups; every day in exactly one."""
    count = draw(st.integers(1, 7))
    days = draw(st.permutations(DAYS))
    groups = [[day] for day in days[:count]]
    for day in days[count:]:
        groups[draw(st.integers(0, count - 1))].append(day)
    return groups


@st.composite
def steps(draw: st.DrawFn, flows: Flows, mcg_per_ml: Fraction, most: int) -> list[dict[str, str]]:
    minute = st.integers(1, DAY - 1) | st.integers(1, 23).map(lambda hour: hour * 60)
    later = draw(st.sets(minute, max_size=most - 1))
    starts = [0, *sorted(later)]
    found = []
    for start, end in zip(starts, [*starts[1:], DAY], strict=True):
        dose = flows.draw(draw) * mcg_per_ml * (end - start) / DAY
        found.append({"start": hh_mm(start), "dose_mcg": plain(dose, draw(st.integers(0, 4)))})
    return found


@st.composite
def flex(draw: st.DrawFn, flows: Flows, mcg_per_ml: Fraction) -> Program:
    groups = draw(day_groups())
    most = draw(st.sampled_from([1, 2, 4, 13]))
    return {
        "mode": "flex",
        "groups": [
            {"days": days, "steps": draw(steps(flows, mcg_per_ml, most))} for days in groups
        ],
    }


@st.composite
def periodic(draw: st.DrawFn, flows: Flows, mcg_per_ml: Fraction) -> Program:
    interval = draw(st.sampled_from(INTERVALS))
    minutes = draw(st.integers(1, interval - 1) | st.integers(1, min(30, interval - 1)))
    volume = Fraction(draw(st.integers(1, 200)), 100) * interval / DAY
    first = draw(st.integers(0, interval - 1) | st.just(interval - 1) | st.just(0))
    return {
        "mode": "periodic_bolus",
        "basal_mcg_per_hour": plain(flows.draw(draw) * mcg_per_ml / 24, draw(st.integers(0, 3))),
        "bolus_mcg": plain(volume * mcg_per_ml, draw(st.integers(0, 3))),
        "bolus_minutes": minutes,
        "interval_minutes": interval,
        "first_at": hh_mm(first),
        "basal_suspended": draw(st.booleans()),
    }


def modes(flows: Flows, mcg_per_ml: Fraction) -> st.SearchStrategy[Program]:
    return st.one_of(
        simple(flows, mcg_per_ml),
        flex(flows, mcg_per_ml),
        periodic(flows, mcg_per_ml),
        simple(flows, mcg_per_ml),
        flex(flows, mcg_per_ml),
        periodic(flows, mcg_per_ml),
        st.just({"mode": "minimum_rate"}),
        st.just({"mode": "stopped"}),
    )


@st.composite
def programs(draw: st.DrawFn, at: datetime, flows: Flows, own: str, fills: bool) -> Program:
    """A program; `own` is its concentration, which it may leave out where it is the fill's."""
    program = {
        "effective_at": draw(texts_of(at)),
        "utc_offset_minutes": draw(st.sampled_from(OFFSETS)),
        **draw(modes(flows, Fraction(own))),
    }
    if not fills or draw(st.booleans()):
        program["concentration_mcg_per_ml"] = own
    return program


# --- flows of what was drawn, for the limits ---------------------------------------------------


def all_flows(program: Program, mcg_per_ml: Fraction) -> list[Fraction]:
    """Every rate in mL/day that the program may run at; a periodic bolus with its basal."""
    mode = program["mode"]
    if mode == "simple_continuous":
        return [Fraction(program["daily_dose_mcg"]) / mcg_per_ml]
    if mode == "flex":
        found = []
        for group in program["groups"]:
            starts = [step["start"] for step in group["steps"]]
            at = [int(text[:2]) * 60 + int(text[3:]) for text in starts] + [DAY]
            for number, step in enumerate(group["steps"]):
                share = Fraction(DAY, at[number + 1] - at[number])
                found.append(Fraction(step["dose_mcg"]) / mcg_per_ml * share)
        return found
    if mode == "periodic_bolus":
        basal = Fraction(program["basal_mcg_per_hour"]) * 24 / mcg_per_ml
        bolus = Fraction(program["bolus_mcg"]) / mcg_per_ml
        return [basal, basal + bolus * DAY / Fraction(program["bolus_minutes"])]
    return []


def highest_flow(case: Case) -> Fraction:
    """No flow of the case is higher, whatever runs together."""
    fill = case["fill"]
    assert fill is not None
    of_fill = Fraction(fill["concentration_mcg_per_ml"])
    found = [Fraction(case["pump"]["min_ml_per_day"])]
    for program in case["programs"]:
        own = Fraction(program.get("concentration_mcg_per_ml") or of_fill)
        found += all_flows(program, min(own, of_fill))
    together = max(found)
    for bolus in case["boluses"]:
        together += Fraction(bolus["dose_mcg"]) / of_fill * DAY / Fraction(bolus["minutes"])
    return together


# --- boluses, pump, fill, case -----------------------------------------------------------------


@st.composite
def boluses(draw: st.DrawFn, anchors: list[datetime], mcg_per_ml: Fraction) -> dict[str, Any]:
    """Near a fill or a program change, so that they are cut by it, or anywhere later."""
    long = draw(st.integers(1, 180) | st.integers(1, 3 * DAY))
    minutes = draw(st.sampled_from([str(long), str(long), long, f"{long}.5", f"{long}.125"]))
    after = (-long, 60) if draw(st.booleans()) else (-2 * DAY, 60 * DAY)
    at = draw(moments_near(draw(st.sampled_from(anchors)), *after))
    volume = Fraction(draw(st.integers(1, 150)), 100)
    bolus: dict[str, Any] = {
        "at": draw(texts_of(at)),
        "dose_mcg": plain(volume * mcg_per_ml, draw(st.integers(0, 2))),
        "minutes": minutes,
    }
    replaces = draw(st.sampled_from([None, False, True, True]))
    return bolus if replaces is None else {**bolus, "replaces_program": replaces}


@st.composite
def fills(draw: st.DrawFn, at: datetime, reservoir: int) -> dict[str, Any]:
    tenths = draw(st.integers(1, reservoir * 10) | st.just(reservoir * 10))
    fill: dict[str, Any] = {
        "at": draw(texts_of(at)),
        "volume_ml": plain(Fraction(tenths, 10), draw(st.integers(1, 2))),
        "concentration_mcg_per_ml": draw(st.sampled_from(CONCENTRATIONS)),
        "stability_days": draw(st.none() | st.integers(1, 200)),
    }
    if draw(st.booleans()):
        days = draw(st.none() | st.integers(-5, 120))
        day = None if days is None else (at + timedelta(days=days)).date().isoformat()
        fill["use_by"] = day
    return fill


@st.composite
def pumps(draw: st.DrawFn, lowest: int, zero: bool) -> dict[str, Any]:
    smaller = [text for text in ("0.048", "0.1", "0.5", "1") if Fraction(text) * 100 <= lowest]
    if zero:
        smaller.append("0")
    pump: dict[str, Any] = {
        "reservoir_ml": draw(st.sampled_from(["10", "20", "20.0", "40"])),
        "low_reservoir_alarm_ml": draw(st.sampled_from(["1", "2", "2", "3.0", "4.5", "0.7"])),
        "min_ml_per_day": draw(st.sampled_from(smaller)),
        "max_ml_per_day": draw(st.sampled_from(["12", "24", "28.8"])),
        "flow_accuracy_percent": draw(st.sampled_from(["14.5", "14.5", "0", "10", "33.3"])),
        "allows_zero_flow": zero,
    }
    most = draw(st.sampled_from(["absent", None, 13, 24]))
    return pump if most == "absent" else {**pump, "max_steps": most}


def fit_the_maximum(case: Case, exact: bool) -> None:
    """Raise the pump's maximum where the case needs it, sometimes to exactly its highest flow."""
    highest = highest_flow(case)
    highest = max(highest, Fraction(1, 1000))  # a pump that can run nothing at all is no pump
    if exact or highest > Fraction(case["pump"]["max_ml_per_day"]):
        case["pump"]["max_ml_per_day"] = plain(highest, 6)


@st.composite
def program_lists(
    draw: st.DrawFn, at: datetime, flows: Flows, own: str, unknowns: bool
) -> list[Program]:
    """1 to 4 with the one in force at the fill; older ones may have another concentration."""
    before = [draw(moments_near(at, -100 * DAY, 0)) for _ in range(draw(st.integers(0, 2)))]
    before = sorted(min(moment, at) for moment in before)
    start = [] if unknowns and seldom(draw, 25) else [at]
    if start and seldom(draw, 4):
        start = [draw(moments_near(at, -30 * DAY, -1))]
        before = [moment for moment in before if moment <= start[0]]
    after = [draw(moments_near(at, 1, 50 * DAY)) for _ in range(draw(st.integers(0, 2)))]
    found = []
    moments = [*before, *start, *sorted(after)]
    if moments and seldom(draw, 5):  # two at one instant
        moments = sorted([*moments, draw(st.sampled_from(moments))])
    for moment in moments:
        older = moment in before
        other = (older or unknowns) and seldom(draw, 3 if older else 20)
        text = draw(st.sampled_from(CONCENTRATIONS)) if other else own
        found.append(draw(programs(moment, flows, text, fills=text == own)))
    return found


@st.composite
def cases(draw: st.DrawFn, unknowns: bool = True) -> Case:
    """A valid case. Without `unknowns` it leaves out what is never known: then it mostly is."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=draw(st.integers(0, 1400)))
    at = draw(moments_near(at, 0, DAY - 1))
    lowest = draw(st.sampled_from([5, 20, 50, 100]))
    zero = seldom(draw, 4)
    pump = draw(pumps(lowest, zero))
    fill = draw(fills(at, int(Fraction(pump["reservoir_ml"]))))
    own = fill["concentration_mcg_per_ml"]
    flows = Flows(lowest, lowest * draw(st.sampled_from([2, 6])), zero)
    listed = draw(program_lists(at, flows, own, unknowns))
    anchors = [at, *(datetime.fromisoformat(program["effective_at"]) for program in listed)]
    given = draw(st.lists(boluses(anchors, Fraction(own)), max_size=4))
    asked = draw(st.lists(moments_near(at, -3 * DAY, 30 * DAY), max_size=4))
    asked += draw(st.lists(moments_near(at, 0, 400 * DAY), max_size=1))
    case: Case = {
        "id": draw(st.sampled_from(["a", "case-7", "Fälle/µ"])),
        "timezone": draw(st.sampled_from(ZONES)),
        "refill_lead_days": draw(st.integers(0, 21)),
        "window_days": draw(st.integers(0, 30)),
        "max_interval_days": draw(st.none() | st.integers(1, 150)),
        "pump": pump,
        "fill": fill,
        "programs": listed,
        "boluses": given,
        "residual_at": [draw(texts_of(moment)) for moment in asked],
    }
    if draw(st.booleans()):
        late = -DAY if unknowns and seldom(draw, 5) else 0
        as_of = draw(st.none() | moments_near(at, late, 60 * DAY))
        case["as_of"] = None if as_of is None else draw(texts_of(as_of))
    if seldom(draw, 6):  # two clocks on one day
        fill["stability_days"] = case["max_interval_days"]
    fit_the_maximum(case, exact=seldom(draw, 6))
    if unknowns and seldom(draw, 40):
        case["fill"] = None
    return case
