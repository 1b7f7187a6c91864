"""A claim as it must not be, for the proof that a test of claims can fail."""

import pytest

from core import leases


def claim_without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let claims take rows without locking them; between choosing and taking they are slow."""
    locked = "({due} FOR UPDATE OF {table} SKIP LOCKED)"
    assert leases._CLAIM.count(locked) == 1
    slow = "(SELECT chosen.id, pg_sleep(0.05) FROM ({due}) AS chosen)"
    monkeypatch.setattr(leases, "_CLAIM", leases._CLAIM.replace(locked, slow))
