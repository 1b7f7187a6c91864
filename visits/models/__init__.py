"""Visits with their summaries."""

from .encounters import Visit, VisitWithdrawal
from .summaries import AfterVisitSummary, SummaryPrint

__all__ = [
    "AfterVisitSummary",
    "SummaryPrint",
    "Visit",
    "VisitWithdrawal",
]
