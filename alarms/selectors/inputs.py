"""What a pump's dates are computed from, read for many pumps at once.

A handful of queries for each chunk, however many pumps are in it.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any, TypeVar

from django.db.models import F

from alarms.domain.projection import ProjectionInputs, Settings
from alarms.models import Settlement
from dosing.domain import programs
from dosing.models import Bolus, Mode, Program, Step
from dosing.selectors import current_boluses, current_programs, steps_of
from pumps.limits import limits_of
from pumps.models import Interrogation, Pump
from refills.domain.reservoir import Fill as DomainFill
from refills.models import Fill
from refills.selectors import current_fills

Value = TypeVar("Value")


@dataclass(slots=True)
class PumpFacts:
    """The facts of one pump that count now: its latest fill and what came with and after it."""

    pump: Pump
    fill: Fill | None = None
    programs: list[Program] = field(default_factory=list)
    steps: dict[int, list[Step]] = field(default_factory=dict)
    boluses: list[Bolus] = field(default_factory=list)
    interrogation: Interrogation | None = None
    settlements: list[Settlement] = field(default_factory=list)

    def inputs(self, now: datetime) -> ProjectionInputs:
        """The inputs of `alarms.domain.projection.project`, as of `now`."""
        clinic = self.pump.clinic
        return ProjectionInputs(
            settings=Settings(
                timezone=clinic.zone,
                refill_lead_days=clinic.refill_lead_days,
                window_days=clinic.window_days,
                max_interval_days=clinic.max_interval_days,
            ),
            pump=limits_of(self.pump),
            fill=domain_fill(self.fill) if self.fill else None,
            programs=tuple(
                domain_program(program, self.steps.get(program.pk, [])) for program in self.programs
            ),
            boluses=tuple(domain_bolus(bolus) for bolus in self.boluses),
            as_of=now,
        )

    def as_told_at_printout(self) -> "PumpFacts":
        """The facts without what the pump was told after the printout."""
        seen = self.interrogation
        assert seen is not None
        return replace(
            self,
            programs=[program for program in self.programs if program.effective_at <= seen.at],
            boluses=[bolus for bolus in self.boluses if bolus.at <= seen.at],
        )

    def program_at(self, instant: datetime) -> Program | None:
        """The program in force at an instant."""
        begun = [program for program in self.programs if program.effective_at <= instant]
        return begun[-1] if begun else None

    def next_change_after(self, now: datetime) -> datetime | None:
        """When the passing of time alone changes the projection: a program or a fill to come."""
        instants = [program.effective_at for program in self.programs]
        if self.fill is not None:
            instants.append(self.fill.at)
        return min((at for at in instants if at > now), default=None)


def load_facts(pump_ids: Collection[int]) -> dict[int, PumpFacts]:
    """The facts of these pumps, by pump id in ascending order."""
    pumps = Pump.objects.filter(pk__in=pump_ids).select_related("model", "clinic").order_by("pk")
    found = {pump.pk: PumpFacts(pump) for pump in pumps}
    _add_fills_and_deliveries(found)
    interrogations = (
        Interrogation.objects.filter(
            pump_id__in=found, printed_alarm_date__isnull=False, correction__isnull=True
        )
        .order_by("pump_id", "-at", "-id")
        .distinct("pump_id")
    )
    for interrogation in interrogations:
        found[interrogation.pump_id].interrogation = interrogation
    current = Settlement.objects.filter(pump_id__in=found, pump__input_version=F("input_version"))
    for settlement in current:
        found[settlement.pump_id].settlements.append(settlement)
    return found


def _add_fills_and_deliveries(found: dict[int, PumpFacts]) -> None:
    for pump_id, fill in current_fills(found).items():
        found[pump_id].fill = fill
    for pump_id, rows in current_programs(found).items():
        found[pump_id].programs = from_fill_on(rows, found[pump_id].fill)
    for pump_id, boluses in current_boluses(found).items():
        found[pump_id].boluses = running_from_fill_on(boluses, found[pump_id].fill)
    flex = [
        program.pk
        for facts in found.values()
        for program in facts.programs
        if program.mode == Mode.FLEX
    ]
    by_program = steps_of(flex)
    for facts in found.values():
        facts.steps = {p.pk: by_program[p.pk] for p in facts.programs if p.mode == Mode.FLEX}


def from_fill_on(rows: list[Program], fill: Fill | None) -> list[Program]:
    """What a fill runs on. What ended before it is dropped: years of history must not slow a sweep
    down."""
    if fill is None:
        return rows
    begun = [index for index, row in enumerate(rows) if row.effective_at <= fill.at]
    return rows[begun[-1] :] if begun else rows


def running_from_fill_on(rows: list[Bolus], fill: Fill | None) -> list[Bolus]:
    """The boluses that a fill gives drug for. What ended before it ran on another fill's
    concentration, and must not be judged by this one's."""
    return [row for row in rows if fill is None or domain_bolus(row).until > fill.at]


def domain_fill(fill: Fill) -> DomainFill:
    """The fill as the core takes it."""
    return DomainFill(
        at=fill.at,
        volume_ml=fill.volume_ml,
        concentration_mcg_per_ml=fill.concentration_mcg_per_ml,
        stability_days=fill.stability_days,
        use_by=fill.use_by,
    )


def domain_bolus(bolus: Bolus) -> programs.Bolus:
    """The bolus as the core takes it."""
    return programs.Bolus(
        at=bolus.at,
        dose_mcg=bolus.dose_mcg,
        minutes=bolus.minutes,
        replaces_program=bolus.replaces_program,
    )


def domain_program(program: Program, steps: list[Step]) -> programs.Program:
    """The program as the core takes it.

    The database has a program's figures according to its mode; a row that lacks one raises below
    and becomes a failed projection, at the top of every list.
    """
    common: dict[str, Any] = {
        "effective_at": program.effective_at,
        "utc_offset_minutes": program.utc_offset_minutes,
        "concentration_mcg_per_ml": program.concentration_mcg_per_ml,
    }
    match program.mode:
        case Mode.SIMPLE_CONTINUOUS:
            return programs.SimpleContinuous(
                **common, daily_dose_mcg=_present(program.daily_dose_mcg)
            )
        case Mode.FLEX:
            return programs.Flex(**common, groups=_groups(steps))
        case Mode.PERIODIC_BOLUS:
            return programs.PeriodicBolus(
                **common,
                basal_mcg_per_hour=_present(program.basal_mcg_per_hour),
                bolus_mcg=_present(program.bolus_mcg),
                bolus_minutes=_present(program.bolus_minutes),
                interval_minutes=_present(program.interval_minutes),
                first_minute=_minute(_present(program.first_at)),
                basal_suspended=program.basal_suspended,
            )
        case Mode.MINIMUM_RATE:
            return programs.MinimumRate(**common)
        case Mode.STOPPED:
            return programs.Stopped(**common)
    raise ValueError(f"program mode {program.mode} has no calculation")


def _present(value: Value | None) -> Value:
    if value is None:
        raise ValueError("a figure of the program's mode is missing")
    return value


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _groups(steps: list[Step]) -> tuple[programs.DayGroup, ...]:
    by_days: dict[tuple[str, ...], list[programs.Step]] = defaultdict(list)
    for step in steps:
        by_days[tuple(step.days)].append(
            programs.Step(start_minute=_minute(step.start), dose_mcg=step.dose_mcg)
        )
    return tuple(programs.DayGroup(days=days, steps=tuple(s)) for days, s in by_days.items())
