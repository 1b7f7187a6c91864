"""Visits with their summaries, and imports of a clinic's spreadsheet."""

from .encounters import Visit, VisitWithdrawal
from .imports import ImportRow, ImportRun, RosterUpload
from .summaries import AfterVisitSummary, SummaryPrint

__all__ = [
    "AfterVisitSummary",
    "ImportRow",
    "ImportRun",
    "RosterUpload",
    "SummaryPrint",
    "Visit",
    "VisitWithdrawal",
]
