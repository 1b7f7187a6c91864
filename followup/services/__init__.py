"""Writes: what to remind of, and who must do what the system cannot."""

from .resyncing import refresh, resync

__all__ = ["refresh", "resync"]
