"""A visit's consequences side by side, in words: the right column of the form, and its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from alarms.models import Projection, Reason
from core import words
from core.quantities import PER_ML, format_quantity
from dosing.domain.pattern import pattern_of
from dosing.domain.programs import Bolus, Program
from itbclinic.pages.shared import dates_view, program_view, states
from refills.domain.reservoir import Fill
from visits.domain.aspirate import Aspirate
from visits.domain.printed import percent_of
from visits.domain.proposal import Proposed, change_percent, weekday_doses
from visits.models import Visit
from visits.services.preview import Preview


@dataclass(frozen=True, slots=True)
class Line:
    """One figure until now and after the visit."""

    label: str
    before: str
    after: str
    note: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.after) and self.after != self.before


@dataclass(frozen=True, slots=True)
class Changes:
    """The right column."""

    lines: list[Line]
    found: Preview
    dates: list[dates_view.DateLine]
    aspirate: Aspirate | None
    flow: str
    unknown: str
    remedy: str
    said: str
    waiting: str = ""
    missing: str = ""
    bar: str = ""  # the new dates in a line, beside the button on a phone

    @property
    def tokens(self) -> str:
        """What the form carries along: the warnings that were shown."""
        return " ".join(sorted(concern.token for concern in self.found.concerns))

    @property
    def does_something(self) -> bool:
        return self.found.proposed.fill is not None or self.found.proposed.program is not None


def present(found: Preview, before: Projection | None, today: date, waiting: str = "") -> Changes:
    """Everything that the visit changes.

    Args:
        before: the pump's projection as it stands.
        waiting: what must be written before anything new can be shown.
    """
    if waiting:
        found = found.without_consequences()
    after = found.dates_after
    unknown = remedy = ""
    dates: list[dates_view.DateLine] = []
    facts = found.facts_after
    if after is not None and facts is not None:
        if after.unknown_reason:
            unknown, remedy = states.UNKNOWN[Reason(after.unknown_reason)]
        dates = dates_view.present(facts.pump, after, found.known_after, facts.fill, today)
    lines = [*_doses(found), *_bridge(found), *_drug(found), *_dates(before, after)]
    if waiting or any(stop.code == "unreadable" for stop in found.stops):
        lines = [replace(line, after="", note="") for line in lines]
    return Changes(
        lines=lines,
        found=found,
        dates=dates,
        aspirate=found.aspirate,
        flow="" if found.stops else _flow(found),
        unknown=unknown,
        remedy=remedy,
        said=_said(found, after, unknown),
        waiting=waiting,
        bar="" if after is None or unknown else _dates_said(after),
        missing=missing_of(found.proposed),
    )


def missing_of(proposed: Proposed) -> str:
    """What a refill's record lacks that no rule asks for: `the lot number and the expiry date`."""
    if proposed.fill is None:
        return ""
    return _listed(
        lot=bool(proposed.lot_number),
        expires=proposed.expires_on is not None,
        printed=proposed.printed_alarm_date is not None,
    )


def missing_in(visit: Visit) -> str:
    """The same of a recorded visit."""
    if visit.fill is None:
        return ""
    seen = visit.interrogation
    return _listed(
        lot=bool(visit.fill.lot_number),
        expires=visit.fill.expires_on is not None,
        printed=seen is not None and seen.printed_alarm_date is not None,
    )


def _listed(*, lot: bool, expires: bool, printed: bool) -> str:
    rows = (
        (lot, "the lot number"),
        (expires, "the expiry date"),
        (printed, "the alarm date on the printout"),
    )
    *first, last = [name for there, name in rows if not there] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _doses(found: Preview) -> Iterator[Line]:
    before, proposed = found.situation, found.proposed
    old, new = before.program, proposed.program
    drug = before.fill or proposed.fill
    if drug is None or (old is None and new is None):
        return
    least = before.limits.min_ml_per_day
    was = weekday_doses(old, drug.concentration_mcg_per_ml, least) if old else None
    drug = proposed.fill or drug
    will = was
    stopped = _program_stops(found)
    if new is not None and not stopped:
        will = weekday_doses(new, drug.concentration_mcg_per_ml, least)
    alike: dict[tuple[Fraction | None, Fraction | None], list[int]] = {}
    for day in range(7):
        pair = (was[day] if was else None, will[day] if will else None)
        alike.setdefault(pair, []).append(day)
    for (first, second), days in alike.items():
        label = "Dose" if len(alike) == 1 else f"Dose, {program_view.name_of_days(days)}"
        percent = ""
        if first is not None and second is not None and first != second:
            change = change_percent(first, second)
            percent = "" if change is None else percent_of(change)
        yield Line(label, _mcg(first), "" if stopped else _mcg(second), percent)


def _program_stops(found: Preview) -> bool:
    """Whether no dose can be shown: the new one is refused, or it does not go with the drug."""
    names = ("groups", "daily_dose", "bolus_mcg", "concentration", "change", "product")
    return any(p.field.startswith(names) for p in found.stops)


def _stops(found: Preview, *fields: str) -> bool:
    return any(p.field in fields for p in found.stops)


def _mcg(value: Fraction | None) -> str:
    return "None" if value is None else format_quantity(value, "mcg/day", 2)


def _bridge(found: Preview) -> Iterator[Line]:
    bolus = found.proposed.bridge
    if bolus is not None and not found.stops:
        dose, runs = bridge_in_words(bolus, found.situation.zone)
        yield Line("Bridge bolus", "None", dose, runs)


def bridge_in_words(bolus: Bolus, zone: ZoneInfo) -> tuple[str, str]:
    """`750 mcg` and `over 22 h 30 min, until 28-Nov-2026 13:30 MST`"""
    hours, minutes = divmod(round(bolus.minutes), 60)
    lasts = f"{hours} h {minutes} min" if minutes else f"{hours} h"
    until = words.instant(bolus.until, zone)
    return format_quantity(bolus.dose_mcg, "mcg"), f"over {lasts}, until {until}"


def _drug(found: Preview) -> Iterator[Line]:
    old, new = found.situation.fill, found.proposed.fill or found.situation.fill
    yield Line(
        f"Drug, {PER_ML}",
        format_quantity(old.concentration_mcg_per_ml, "") if old else words.NOT_RECORDED,
        _drug_after(found, new),
    )
    left = found.situation.expected_ml
    inside = f"about {format_quantity(left, 'mL', 2)}" if left is not None else words.NOT_RECORDED
    if _stops(found, "at"):  # it was computed for that time
        inside = "—"
    fill = found.proposed.fill
    after = format_quantity(fill.volume_ml, "mL") if fill else inside
    yield Line("In the reservoir", inside, "" if _stops(found, "volume_ml", "at") else after)


def _drug_after(found: Preview, new: Fill | None) -> str:
    if _stops(found, "concentration_mcg_per_ml", "product", "change"):
        return ""
    return format_quantity(new.concentration_mcg_per_ml, "") if new else words.NOT_RECORDED


def _dates(before: Projection | None, after: Projection | None) -> Iterator[Line]:
    for label, name in (
        (dates_view.REFILL, "refill_due_on"),
        (dates_view.ALARM, "alarm_date"),
        (dates_view.MAY_BE_EMPTY, "earliest_empty_date"),
        (dates_view.EMPTY, "empty_date"),
    ):
        yield Line(label, _day(before, name), "" if after is None else _day(after, name))


def _day(row: Projection | None, name: str) -> str:
    if row is None or row.refill_due_on is None:
        return "Not known"
    value = getattr(row, name)
    return words.day(value) if value is not None else "None at this program"


def _flow(found: Preview) -> str:
    """`Runs at 0.3 mL/day; this pump can run from 0.048 to 24 mL/day.`"""
    program: Program | None = found.proposed.program or found.situation.program
    fill = found.proposed.fill or found.situation.fill
    if program is None or fill is None or _program_stops(found):
        return ""
    limits = found.situation.limits
    per_ml = program.concentration_mcg_per_ml or fill.concentration_mcg_per_ml
    rates = pattern_of(program, per_ml, limits.min_ml_per_day).ml_per_minute
    least, most = min(rates) * 1440, max(rates) * 1440
    if most == 0:
        return ""
    runs = format_quantity(most, "mL/day", 4)
    if least != most:
        runs = f"{format_quantity(least, '', 4)} to {runs}"
    low = format_quantity(limits.min_ml_per_day, "")
    high = format_quantity(limits.max_ml_per_day, "mL/day")
    return f"Runs at {runs}. This pump can run from {low} to {high}."


def _dates_said(after: Projection) -> str:
    return f"Alarm {_day(after, 'alarm_date')}, refill due by {_day(after, 'refill_due_on')}."


def _said(found: Preview, after: Projection | None, unknown: str) -> str:
    """What is read aloud when the column changes: short."""
    if found.stops:
        return f"{words.count(len(found.stops), 'thing')} to correct."
    if after is None or unknown:
        return unknown
    said = _dates_said(after)
    if found.concerns:
        said += f" {words.count(len(found.concerns), 'warning')}."
    return said


def names_of(codes: Sequence[str]) -> list[str]:
    """The warnings of a recorded visit in words."""
    return [CONCERNS.get(code, code) for code in codes]


CONCERNS = {
    "drug_expired": "The drug had expired, or its use-by date had passed",
    "dose_change": "The dose changed by more than 20 %",
    "aspirated_review": "Another volume was aspirated than expected",
    "aspirated_alert": "A very different volume was aspirated than expected",
    "aspirated_nothing_used": "Almost all of the last fill was still there",
    "concentration_change": "Another concentration than before",
    "no_stability_limit": "Nothing said how long the drug may stay in the pump",
    "bridge_differs": "The bridge bolus differed from ours",
    "printed_alarm_date": "The printed alarm date differed from ours",
    "pump_stopped": "The pump was stopped, or set to its lowest flow",
    "reservoir_volume": "The programmer showed another volume than was filled",
    "booked_late": "The next appointment was too late for the new dates",
    "booked_before_window": "An earlier appointment was still booked",
    "due_again": "The next refill was due at once or very soon",
    "may_be_empty_before_alarm": "The pump may be empty before it beeps",
}
