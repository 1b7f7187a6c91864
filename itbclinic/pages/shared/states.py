"""What a status is called, why one is unknown and what to do about it."""

from datetime import date
from typing import Final

from alarms.domain.status import Status
from alarms.models import Reason
from core.words import ahead, day

STATUS: Final[dict[str, str]] = {
    Status.UNKNOWN: "No sure date",
    Status.EMPTY: "Empty",
    Status.ALARM: "Past alarm",
    Status.OVERDUE: "Overdue",
    Status.DUE: "Due",
    Status.NOT_DUE: "Not due",
    "excluded": "Excluded",
}

# Why a status is unknown, and what to do about it.
UNKNOWN: Final = {
    Reason.NO_FILL: (
        "No refill is recorded for this pump.",
        "Record its last refill as a visit, or add it to the roster and import the row again.",
    ),
    Reason.NO_PROGRAM: (
        "No program is recorded that ran when the pump was last filled.",
        "Record a visit with the program, or add dose and mode to the roster and import the row.",
    ),
    Reason.CONCENTRATION_MISMATCH: (
        "The program and the fill name different concentrations.",
        "Check the printout and the vial's label, then correct the one that is wrong.",
    ),
    Reason.FILL_IN_FUTURE: (
        "The last refill is dated in the future.",
        "Check its date, correct the roster and import the row again.",
    ),
    Reason.NO_DEADLINE: (
        "Nothing limits the interval: the pump never reaches its alarm volume, and neither the "
        "drug nor the clinic sets a limit.",
        "Have the drug's days in the pump or the clinic's longest interval recorded.",
    ),
    Reason.RECALCULATING: (
        "The dates are being recalculated.",
        "Reload in a minute. If this stays, tell your clinic's administrator.",
    ),
    Reason.FAILED: (
        "The calculation failed.",
        "Go by the programmer's printout, and tell your clinic's administrator.",
    ),
    Reason.PUMP_STOPPED: (
        "The pump runs at its minimum rate.",
        "Ask the doctor whether that is meant, then settle it with a reason.",
    ),
    Reason.ALARM_DATE_MISMATCH: (
        "The printed alarm date differs from ours.",
        "The earlier one counts. Check the printout, then settle it with a reason.",
    ),
}


def may_be_empty(earliest: date, today: date) -> str:
    """`may be empty tomorrow`, `may be empty in 3 days`, `may be empty since 20-Nov-2026`."""
    days = (earliest - today).days
    if days < 0:
        return f"may be empty since {day(earliest)}"
    when = ("today", "tomorrow")[days] if days < 2 else ahead(earliest, today)
    return f"may be empty {when}"
