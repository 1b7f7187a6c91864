"""What is typed about a visit, as the services take it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from accounts.models import User
from dosing.domain import programs
from refills.services import FillEntry


@dataclass(frozen=True, slots=True)
class BridgeEntry:
    """A bridge bolus as it was set on the pump: its dose in mcg of the new drug, and how long it
    runs, in minutes, from the visit's instant."""

    dose_mcg: Decimal
    minutes: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEntry:
    """What was done at one instant: volumes in mL, `program.effective_at` is the visit's instant.

    Args:
        key: made with the form; a second entry with the same key is the same visit.
        reason: why the dose changes.
        ordered_by: the doctor, where the one who records is none.
        seen_concerns: the tokens of the warnings that were shown; None where no page showed any.
        concern_reason: why it is correct despite the warnings.
    """

    key: uuid.UUID
    at: datetime
    fill: FillEntry | None = None
    program: programs.Program | None = None
    bridge: BridgeEntry | None = None
    printed_alarm_date: date | None = None
    reservoir_volume_ml: Decimal | None = None
    reason: str = ""
    ordered_by: User | None = None
    seen_concerns: tuple[str, ...] | None = None
    concern_reason: str = ""
    note: str = ""
