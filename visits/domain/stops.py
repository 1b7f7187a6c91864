"""What a visit must not be saved with, beside what the fill and the program are held against."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from alarms.domain.explain import at_clinic
from core.quantities import format_quantity
from core.rules import Problem
from core.words import format_date
from dosing.domain.checks import day_total_problems

from .proposal import Before, Proposed

# At the lowest flow, 0.048 mL a day, a path of 0.6 mL takes twelve and a half days.
LONGEST_BRIDGE_MINUTES: Final = 14 * 1440
# No drug may stay in a pump that long (the catalogue's bound): what is older says nothing of today.
OLDEST_VISIT: Final = timedelta(days=730)


def hard_stops(before: Before, proposed: Proposed, now: datetime) -> list[Problem]:
    """Everything that keeps the visit from being saved, in the order of the form."""
    found = [*_when(before, proposed, now), *_drug(before, proposed), *_volumes(before, proposed)]
    if proposed.program is not None:
        found += day_total_problems(proposed.program)
    return [*found, *_bridge(before, proposed)]


def _when(before: Before, proposed: Proposed, now: datetime) -> Iterator[Problem]:
    at, zone = proposed.at, before.zone
    if at > now:
        yield Problem(
            "at", "date_in_future", "This time is in the future. Write when the pump was updated."
        )
    yield from _too_early(before, at, now)
    if before.explanted_at is not None and at >= before.explanted_at:
        yield Problem(
            "at",
            "explanted",
            f"The pump was taken out {at_clinic(before.explanted_at, zone)}. Check the patient's "
            "pumps.",
        )
    if before.fill is not None and at < before.fill.at:
        yield Problem(
            "at",
            "before_the_refill",
            f"A later refill is on record, of {at_clinic(before.fill.at, zone)}. Check the date; "
            "if that refill is wrong, take it back first.",
        )
    elif before.fill is not None and at == before.fill.at and proposed.fill is not None:
        yield Problem(
            "at",
            "repeats_the_refill",
            "A refill of this very time is on record already. Open the patient's history; if it "
            "is wrong, take it back first.",
        )
    latest = before.latest_program_at
    if proposed.program is not None and latest is not None and at < latest:
        yield Problem(
            "at",
            "before_the_program",
            f"A later program is on record, from {at_clinic(latest, zone)}; it would end this one. "
            "Check the date; if that program is wrong, take it back first.",
        )


def _too_early(before: Before, at: datetime, now: datetime) -> Iterator[Problem]:
    """A wrong year looks like this: the pump would count as empty at once."""
    day, implanted = at.astimezone(before.zone).date(), before.implanted_on
    if implanted is not None and day < implanted:
        yield Problem(
            "at",
            "before_the_implant",
            f"The pump was implanted on {format_date(implanted)}, after the {format_date(day)} "
            "that is written here. Check the date, its year too, and that this is the right pump.",
        )
    elif at < now - OLDEST_VISIT:
        yield Problem(
            "at",
            "too_long_ago",
            f"{format_date(day)} is more than two years ago. Check the year: a visit that old says "
            "nothing about what is in the pump today. Record the latest visit instead.",
        )


def _drug(before: Before, proposed: Proposed) -> Iterator[Problem]:
    fill = proposed.fill
    runs = proposed.program or before.program
    inside = fill or before.fill
    if inside is None or runs is None or runs.concentration_mcg_per_ml is None:
        return
    if runs.concentration_mcg_per_ml != inside.concentration_mcg_per_ml:
        drug = format_quantity(inside.concentration_mcg_per_ml, "mcg per mL")
        told = format_quantity(runs.concentration_mcg_per_ml, "mcg per mL")
        if proposed.program is None:
            yield Problem(
                "change",
                "concentration_needs_program",
                f"The drug has {drug}, but the pump runs a program for {told}. Enter the new "
                "program as it was set on the pump, or correct the drug.",
            )
        else:
            yield Problem(
                "change",
                "concentration_mismatch",
                f"The program is for {told}, but the reservoir holds {drug}. Correct one of them.",
            )


def _volumes(before: Before, proposed: Proposed) -> Iterator[Problem]:
    holds = before.limits.reservoir_ml
    typed = (
        ("aspirated_ml", proposed.aspirated_ml, "aspirated_exceeds_reservoir"),
        ("reservoir_volume_ml", proposed.reservoir_volume_ml, "reading_exceeds_reservoir"),
    )
    for field, volume, code in typed:
        if volume is not None and volume > holds:
            yield Problem(
                field,
                code,
                f"{format_quantity(volume, 'mL')} is more than the reservoir holds "
                f"({format_quantity(holds, 'mL')}). Check the number and the pump model.",
            )
        elif volume is not None and volume < 0:
            yield Problem(field, "not_positive", "This cannot be negative.")


def _bridge(before: Before, proposed: Proposed) -> Iterator[Problem]:
    bolus = proposed.bridge
    if bolus is None:
        return
    if bolus.dose_mcg <= 0:
        yield Problem("bridge_mcg", "not_positive", "This must be more than zero.")
    if not 0 < bolus.minutes <= LONGEST_BRIDGE_MINUTES:
        yield Problem(
            "bridge_hours",
            "bridge_too_long",
            "A bridge bolus runs for some hours, and for 14 days at most. Write hours, such as "
            "22.5 or 22:30.",
        )
    if proposed.fill is None:
        yield Problem(
            "bridge_mcg",
            "bridge_needs_refill",
            "A bridge bolus belongs to the refill with the other concentration. Write what was "
            "filled, or leave the bridge bolus empty.",
        )
    elif (
        before.fill is not None
        and before.fill.concentration_mcg_per_ml == proposed.fill.concentration_mcg_per_ml
    ):
        yield Problem(
            "bridge_mcg",
            "bridge_without_change",
            "The concentration stays as it is, so there is nothing to bridge. Correct the drug, or "
            "leave the bridge bolus empty.",
        )
