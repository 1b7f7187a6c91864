"""What a visit would change, computed as if it were saved; nothing is written or locked.

The projection comes from the same function that writes it, over the facts with the visit's rows
added: what is shown before saving is what is saved.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import alarms.services.projection as alarms
from alarms.domain.projection import Known, project
from alarms.models import Projection, Reason
from alarms.selectors.deadlines import deadlines_in
from alarms.selectors.inputs import (
    PumpFacts,
    domain_bolus,
    domain_fill,
    domain_program,
    from_fill_on,
    load_facts,
    running_from_fill_on,
)
from alarms.services.checks import check_boluses
from core.rules import Problem, RuleViolation
from dosing import services as dosing
from dosing.limits import check_program
from dosing.models import Bolus, BolusKind
from dosing.selectors import concentrations_of
from pumps.limits import limits_of
from pumps.models import Interrogation, Pump
from pumps.selectors import path_volume_ml
from refills import services as refills
from refills.models import Fill
from refills.selectors import next_appointments, open_to_come
from visits.domain.aspirate import Aspirate
from visits.domain.concerns import aspirate_of, concerns_of
from visits.domain.proposal import Before, Concern, Proposed
from visits.domain.stops import hard_stops

from .entry import VisitEntry

# No row has it: what a visit would write stands under it among the facts.
UNSAVED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Until now and new, side by side; `dates_after` is the projection that would be written.

    The dates after are None while something stops the visit from being saved.
    """

    facts: PumpFacts
    situation: Before
    proposed: Proposed
    known_before: Known | None
    facts_after: PumpFacts | None
    known_after: Known | None
    dates_after: Projection | None
    aspirate: Aspirate | None
    stops: tuple[Problem, ...]
    concerns: tuple[Concern, ...]

    def stopped_by(self, problems: Collection[Problem]) -> "Preview":
        """The same where something typed could not be read: nothing of it is a consequence."""
        return replace(self, stops=(*problems, *self.stops)).without_consequences()

    def without_consequences(self) -> "Preview":
        """The same where what is typed is not all there."""
        return replace(
            self,
            facts_after=None,
            known_after=None,
            dates_after=None,
            aspirate=None,
            concerns=(),
        )


def preview(
    pump: Pump, entry: VisitEntry, *, now: datetime, aspirated_ml: Decimal | None = None
) -> Preview:
    """Compute the consequences of an entry.

    Args:
        aspirated_ml: what was drawn off, while the fill is not typed yet.
    """
    facts = load_facts([pump.pk])[pump.pk]
    known_before = _known(facts, entry.at)
    situation = _situation(facts, known_before, entry, now)
    proposed = _proposed(entry, aspirated_ml)
    stops = stops_of(facts.pump, entry, situation, proposed, now)
    saved = None
    if not stops:
        saved = with_visit(facts, entry)
        stops = _bolus_stops(saved, entry, now)
    facts_after = known_after = dates_after = None
    concerns: tuple[Concern, ...] = ()
    if saved is not None and not stops:
        facts_after = saved
        computed = alarms.compute(saved, now)
        dates_after, known_after = computed.row, computed.known
        concerns = _concerns(saved, situation, proposed, computed, now)
    return Preview(
        facts=facts,
        situation=situation,
        proposed=proposed,
        known_before=known_before,
        facts_after=facts_after,
        known_after=known_after,
        dates_after=dates_after,
        aspirate=None if any(s.field in ("at", "aspirated_ml") for s in stops)
        else aspirate_of(situation, proposed),
        stops=stops,
        concerns=concerns,
    )  # fmt: skip


def _known(facts: PumpFacts, as_of: datetime) -> Known | None:
    try:
        found = project(facts.inputs(as_of))
    except Exception:  # it failed in the projection too, which says so on top of every list
        return None
    return found if isinstance(found, Known) else None


def _situation(facts: PumpFacts, known: Known | None, entry: VisitEntry, now: datetime) -> Before:
    pump, fill = facts.pump, facts.fill
    program = facts.program_at(entry.at)
    other = fill and entry.fill
    changed = other and fill.concentration_mcg_per_ml != entry.fill.concentration_mcg_per_ml  # type: ignore[union-attr]
    explant = pump.explant
    # A refill is what the day's own appointment was for; a dose change alone leaves it waiting.
    coming = next_appointments(pump, entry.at, now) if entry.fill else open_to_come(pump.pk, now)
    return Before(
        limits=limits_of(pump),
        zone=pump.clinic.zone,
        fill=domain_fill(fill) if fill else None,
        expected_ml=known.residual_ml(entry.at) if known and fill and entry.at >= fill.at else None,
        program=domain_program(program, facts.steps.get(program.pk, [])) if program else None,
        latest_program_at=facts.programs[-1].effective_at if facts.programs else None,
        implanted_on=pump.implanted_on,
        explanted_at=explant.at if explant else None,
        path_ml=path_volume_ml(pump) if changed else None,
        coming=tuple(row.starts_at for row in coming),
    )


def _proposed(entry: VisitEntry, aspirated_ml: Decimal | None) -> Proposed:
    fill = entry.fill
    return Proposed(
        at=entry.at,
        fill=domain_fill(_fill_row(entry)) if fill else None,
        aspirated_ml=fill.aspirated_ml if fill else aspirated_ml,
        expires_on=fill.expires_on if fill else None,
        lot_number=fill.lot_number if fill else "",
        program=entry.program,
        bridge=domain_bolus(_bridge_row(entry)) if entry.bridge else None,
        printed_alarm_date=entry.printed_alarm_date,
        reservoir_volume_ml=entry.reservoir_volume_ml,
    )


def stops_of(
    pump: Pump, entry: VisitEntry, situation: Before, proposed: Proposed, now: datetime
) -> tuple[Problem, ...]:
    """Every hard stop: the fill's, the program's, and the visit's own."""
    found = hard_stops(situation, proposed, now)
    fill, program = entry.fill, entry.program
    if fill is not None:
        found += _refused(lambda: refills.check_fill(pump, fill, entry.at, now))
    if program is not None:
        found += _refused(lambda: check_program(pump, program))
    seen: dict[tuple[str, str], Problem] = {}
    for problem in found:
        seen.setdefault((problem.field, problem.code), problem)
    return tuple(seen.values())


def _bolus_stops(after: PumpFacts, entry: VisitEntry, now: datetime) -> tuple[Problem, ...]:
    """A bolus that the pump cannot give with this visit's concentration and program: the bridge, or
    one that still runs."""
    try:
        check_boluses(after, now)
    except RuleViolation as violation:
        first = violation.problems[0]
        if entry.bridge is not None:
            return (Problem("bridge_mcg", first.code, first.message),)
        field = "daily_dose_mcg" if entry.program else "concentration_mcg_per_ml"
        return (Problem(field, first.code, f"With the bolus that still runs: {first.message}"),)
    return ()


def _refused(check: Callable[[], None]) -> list[Problem]:
    try:
        check()
    except RuleViolation as violation:
        return list(violation.problems)
    return []


def with_visit(facts: PumpFacts, entry: VisitEntry) -> PumpFacts:
    """The facts as they will be read once the visit is saved."""
    found = replace(facts, settlements=[])  # what was settled, was settled of other facts
    if entry.program is not None:
        row, steps = dosing.rows_of(entry.program, pump=facts.pump, pk=UNSAVED)
        found.programs = sorted([*facts.programs, row], key=lambda program: program.effective_at)
        found.steps = {**facts.steps, UNSAVED: sorted(steps, key=lambda step: step.start)}
    if entry.fill is not None:
        found.fill = _fill_row(entry)
        found.fill.pump = facts.pump
    if entry.bridge is not None:
        found.boluses = sorted([*facts.boluses, _bridge_row(entry)], key=lambda bolus: bolus.at)
    found.programs = from_fill_on(found.programs, found.fill)
    found.boluses = running_from_fill_on(found.boluses, found.fill)
    seen = facts.interrogation
    if entry.printed_alarm_date is not None and (seen is None or seen.at <= entry.at):
        found.interrogation = Interrogation(
            pump=facts.pump, at=entry.at, printed_alarm_date=entry.printed_alarm_date
        )
    return found


def _fill_row(entry: VisitEntry) -> Fill:
    fill = entry.fill
    assert fill is not None
    return Fill(
        at=entry.at,
        volume_ml=fill.volume_ml,
        concentration_mcg_per_ml=fill.concentration_mcg_per_ml,
        stability_days=fill.stability_days,
        use_by=fill.use_by,
    )


def _bridge_row(entry: VisitEntry) -> Bolus:
    assert entry.bridge is not None
    return Bolus(
        kind=BolusKind.BRIDGE,
        at=entry.at,
        dose_mcg=entry.bridge.dose_mcg,
        minutes=entry.bridge.minutes,
        replaces_program=True,
    )


def _concerns(
    facts: PumpFacts,
    situation: Before,
    proposed: Proposed,
    after: alarms.Computed,
    now: datetime,
) -> tuple[Concern, ...]:
    differs = (
        proposed.printed_alarm_date is not None
        and Reason.ALARM_DATE_MISMATCH in after.row.attention
    )
    return concerns_of(
        situation,
        proposed,
        after.known,
        inputs=facts.inputs(now) if differs else None,
        deadlines=deadlines_in(after.row),
        printed_differs=differs,
        other_mcg_per_ml=concentrations_of(facts.pump.clinic) if differs else (),
    )
