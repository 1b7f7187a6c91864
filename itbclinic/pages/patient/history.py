"""The history on a patient's page: each fact with its author, corrected ones struck through."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.urls import reverse

from alarms.models import Exclusion, Reason, Settlement
from core import words
from core.quantities import PER_ML, format_quantity
from dosing.models import Bolus, Program
from itbclinic.pages.shared.program_view import ProgramView
from pumps.models import Interrogation, Pump
from refills.models import Fill
from visits.models import Visit

SETTLED: Final = {
    Reason.PUMP_STOPPED.value: "Stopped pump settled",
    Reason.ALARM_DATE_MISMATCH.value: "Alarm date settled",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of a pump's history."""

    kind: str
    at: datetime
    when: str
    what: str
    details: list[str]
    recorded: str
    correction: str = ""
    link: str = ""
    take_back: str = ""  # where an imported refill is taken back


class History:
    """Collects a pump's facts into one list, the newest first."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.events: list[Event] = []
        self._of_visits: set[int | None] = set()

    def newest_first(self) -> list[Event]:
        """What was added, in order."""
        return sorted(self.events, key=lambda event: event.at, reverse=True)

    def add_visits(self, visits: Iterable[Visit]) -> None:
        """Visits, each with its page; their fills and programs stand beside them."""
        for visit in visits:
            self._of_visits.add(visit.fill_id)
            parts = [("refill", visit.fill_id), ("dose change", visit.program_id)]
            what = " and ".join(part for part, done in parts if done is not None).capitalize()
            end = getattr(visit, "withdrawal", None)
            struck = ""
            if end is not None:
                when = words.instant(end.at, self.zone)
                struck = f"Entered in error: “{end.reason}” {end.by.display_name}, {when}"
            by = visit.recorded_by.display_name
            recorded = f"{by}, {words.instant(visit.recorded_at, self.zone)}"
            link = reverse("visit", args=[visit.uuid])
            when = words.instant(visit.at, self.zone)
            self.events.append(Event("Visit", visit.at, when, what, [], recorded, struck, link))

    def add_fills(self, fills: Iterable[Fill]) -> None:
        """Refills with what was drawn off before. After `add_visits`: it tells which are whose."""
        for fill in fills:
            what = (
                f"{format_quantity(fill.volume_ml, 'mL')} of "
                f"{format_quantity(fill.concentration_mcg_per_ml, PER_ML)}"
            )
            free = fill.pk not in self._of_visits and not hasattr(fill, "correction")
            back = reverse("imported_refill", args=[fill.uuid]) if free else ""
            self._add("Refill", fill.at, what, list(_fill_details(fill)), fill, back)

    def add_programs(self, programs: Sequence[tuple[Program, ProgramView]]) -> None:
        """Programs with the total of each kind of day."""
        for program, view in programs:
            totals = [_of_days(plan.days, plan.total) for plan in view.plans]
            what = f"{view.mode}: {', '.join(totals)}" if totals else view.mode
            details = [view.concentration, *view.notes]
            if program.reason:
                details.append(f"Reason: {program.reason}")
            self._add("Program", program.effective_at, what, details, program)

    def add_boluses(self, boluses: Iterable[Bolus]) -> None:
        """Single, priming and bridge boluses."""
        for bolus in boluses:
            dose = format_quantity(bolus.dose_mcg, "mcg")
            what = (
                f"{bolus.get_kind_display()} of {dose} over {format_quantity(bolus.minutes, 'min')}"
            )
            details = ["In place of the program"] if bolus.replaces_program else []
            self._add("Bolus", bolus.at, what, details, bolus)

    def add_interrogations(self, interrogations: Iterable[Interrogation]) -> None:
        """What the programmer showed."""
        for seen in interrogations:
            shown = [
                f"alarm date {words.day(seen.printed_alarm_date)}"
                if seen.printed_alarm_date
                else "",
                _volume("alarm volume", seen.low_reservoir_alarm_ml),
                _volume("reservoir", seen.reservoir_volume_ml),
            ]
            said = ", ".join(part for part in shown if part)
            what = said[:1].upper() + said[1:]
            self._add("Readout", seen.at, what, [f"Source: {seen.source}"], seen)

    def add_settlements(self, settlements: Iterable[Settlement]) -> None:
        """Doubtful dates that somebody let stand."""
        for row in settlements:
            what = f"{SETTLED[row.settles]} until {words.day(row.ends_on)}"
            self._add_act("Decision", row.at, what, f"“{row.reason}”", row.by)

    def add_exclusions(self, exclusions: Iterable[Exclusion]) -> None:
        """Times off the list, and ends before their day."""
        for row in exclusions:
            what = f"Left off the list until {words.day(row.ends_on)}"
            self._add_act("Decision", row.at, what, f"“{row.reason}”", row.by)
            end = getattr(row, "end", None)
            if end is not None:
                self._add_act("Decision", end.at, "Back on the list", f"“{end.reason}”", end.by)

    def add_explants(self, pump: Pump) -> None:
        """The end of the pump, and ends that were entered in error."""
        for explant in pump.explants.all():
            self._add("Explant", explant.at, "Pump taken out", [f"“{explant.reason}”"], explant)

    def _add(
        self, kind: str, at: datetime, what: str, details: list[str], row: Any, back: str = ""
    ) -> None:
        correction = getattr(row, "correction", None) or getattr(row, "withdrawal", None)
        struck = ""
        if correction is not None:
            when = words.instant(correction.at, self.zone)
            struck = f"Entered in error: “{correction.reason}” {correction.by.display_name}, {when}"
        recorded = f"{row.recorded_by.display_name}, {words.instant(row.recorded_at, self.zone)}"
        when = words.instant(at, self.zone)
        self.events.append(Event(kind, at, when, what, details, recorded, struck, take_back=back))

    def _add_act(self, kind: str, at: datetime, what: str, detail: str, by: Any) -> None:
        when = words.instant(at, self.zone)
        self.events.append(Event(kind, at, when, what, [detail], f"{by.display_name}, {when}"))


def _of_days(days: str, total: str) -> str:
    return total if days == "Every day" else f"{days} {total}"


def _volume(name: str, value: Any) -> str:
    return "" if value is None else f"{name} {format_quantity(value, 'mL')}"


def _fill_details(fill: Fill) -> Iterator[str]:
    if fill.aspirated_ml is not None:
        found = getattr(fill, "discrepancy", None)
        expected = f", expected {format_quantity(found.expected_ml, 'mL', 2)}" if found else ""
        yield f"Aspirated: {format_quantity(fill.aspirated_ml, 'mL')}{expected}"
    if fill.stability_days:
        yield f"May stay {words.count(fill.stability_days, 'day')} in the pump"
    if fill.use_by:
        yield f"Use by {words.day(fill.use_by)}"
