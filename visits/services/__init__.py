"""Writes: what happens when a patient comes, and the import of a clinic's spreadsheet."""

from .encounter import VisitEntry, complete_visit

__all__ = ["VisitEntry", "complete_visit"]
