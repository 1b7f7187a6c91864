"""Writes of fills and appointments."""

from .appointments import (
    book,
    cancel,
    check_open,
    check_time,
    hold_minute,
    rebook,
    record_outcome,
    take_outcome_back,
)
from .fills import FillEntry, check_fill, correct_fill, record_discrepancy, record_fill

__all__ = [
    "FillEntry",
    "book",
    "cancel",
    "check_fill",
    "check_open",
    "check_time",
    "correct_fill",
    "hold_minute",
    "rebook",
    "record_discrepancy",
    "record_fill",
    "record_outcome",
    "take_outcome_back",
]
