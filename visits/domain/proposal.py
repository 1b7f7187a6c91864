"""A visit before it is saved: the pump as it stands, and what would be recorded. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from core.rules import fingerprint
from dosing.domain.pattern import daily_volumes_ml, pattern_of
from dosing.domain.programs import Bolus, Program
from pumps.domain.limits import PumpLimits
from refills.domain.reservoir import Discrepancy, Fill, discrepancy


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The pump as its record stands, at the visit's instant.

    Args:
        expected_ml: what the program should have left in the reservoir; None where it is unknown.
        program: the one in force; `latest_program_at` is when the latest one on record begins.
        path_ml: from the reservoir to the catheter's tip; None where no catheter is recorded.
        coming: when the open appointments begin; after a refill those of a later day than its own.
    """

    limits: PumpLimits
    zone: ZoneInfo
    fill: Fill | None = None
    expected_ml: Fraction | None = None
    program: Program | None = None
    latest_program_at: datetime | None = None
    implanted_on: date | None = None
    explanted_at: datetime | None = None
    path_ml: Decimal | None = None
    coming: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What the visit would record. Volumes in mL; dates are the clinic's calendar dates."""

    at: datetime
    fill: Fill | None = None
    aspirated_ml: Decimal | None = None
    expires_on: date | None = None
    lot_number: str = ""
    program: Program | None = None
    bridge: Bolus | None = None
    printed_alarm_date: date | None = None
    reservoir_volume_ml: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """Something unusual that needs a written reason: a stable code, and what a nurse reads.

    `urgent` asks for somebody before the patient leaves. `causes` are likely explanations, the
    likeliest first.
    """

    code: str
    title: str
    text: str
    urgent: bool = False
    causes: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """What a form carries along to say that just this was shown, with its figures."""
        values: dict[str, Any] = {"title": self.title, "text": self.text, "causes": self.causes}
        return f"{self.code}.{fingerprint(values)[:12]}"


def comparison(before: Before, aspirated_ml: Decimal | None) -> Discrepancy | None:
    """What was aspirated against what should have been there; None where either is unknown."""
    if aspirated_ml is None or before.expected_ml is None or before.fill is None:
        return None
    return discrepancy(before.fill.volume_ml, before.expected_ml, aspirated_ml)


def weekday_doses(
    program: Program, concentration: Decimal, min_ml_per_day: Decimal
) -> tuple[Fraction, ...]:
    """The dose of each day of the pump clock's week in mcg, Monday first."""
    per_ml = program.concentration_mcg_per_ml or concentration
    volumes = daily_volumes_ml(pattern_of(program, per_ml, min_ml_per_day))
    return tuple(volume * Fraction(per_ml) for volume in volumes)


def change_percent(old: Fraction, new: Fraction) -> Fraction | None:
    """By how much a dose changes, exactly; None from no dose to some."""
    if old == 0:
        return Fraction(0) if new == 0 else None
    return (new - old) / old * 100
