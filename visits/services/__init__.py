"""Writes: what happens when a patient comes."""

from .encounter import VisitEntry, complete_visit

__all__ = ["VisitEntry", "complete_visit"]
