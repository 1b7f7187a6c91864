"""What the scans left behind: when all dates were last checked, and whether that is long ago."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from followup.models import ScanRun
from pumps.models import Pump

FUTURE: Final = timedelta(minutes=1)  # by so much two machines' clocks may differ


def last_complete_sweep() -> ScanRun | None:
    """The last sweep that came to its end, however many pumps it found wrong."""
    return last_complete(ScanRun.Kind.SWEEP)


def last_complete(kind: ScanRun.Kind) -> ScanRun | None:
    """The last run of a scan that came to its end: the last by its number, since a clock that was
    wrong for a minute may have dated one into the future."""
    return ScanRun.objects.filter(kind=kind, finished_at__isnull=False).order_by("-id").first()


def is_stale(run: ScanRun | None, now: datetime) -> bool:
    """Whether the last complete sweep is too old to rely on (docs/reliability.md, 5 and I6)."""
    return _is_older(run, now, settings.SWEEP_STALE_AFTER_SECONDS)


def last_complete_due_scan() -> ScanRun | None:
    """The last due scan that came to its end."""
    return last_complete(ScanRun.Kind.DUE_SCAN)


def is_due_scan_stale(run: ScanRun | None, now: datetime) -> bool:
    """Whether nobody looked lately for what became due: no reminder and no task is made of it, and
    nobody learns that one was left undone."""
    return _is_older(run, now, settings.DUE_SCAN_STALE_AFTER_SECONDS)


def last_delivery() -> ScanRun | None:
    """The last run of the delivery of messages, whether or not there was one to send."""
    return last_complete(ScanRun.Kind.DELIVERY)


def is_delivery_stale(run: ScanRun | None, now: datetime) -> bool:
    """Whether nobody tried lately to send what waits, nor ended what waited too long."""
    return _is_older(run, now, settings.DELIVERY_STALE_AFTER_SECONDS)


def not_planned(run: ScanRun | None, of_clinics: Collection[int]) -> list[Pump]:
    """The pumps of these clinics of which the scan could not say what is owed."""
    findings = run.findings if run is not None else []
    ids = [one["pump"] for one in findings if ScanRun.NOT_PLANNED in one["fields"]]
    if not ids:
        return []
    return list(Pump.objects.filter(pk__in=ids, clinic_id__in=of_clinics).order_by("pk"))


def _is_older(run: ScanRun | None, now: datetime, seconds: int) -> bool:
    if run is None or run.finished_at is None:
        return True
    age = now - run.finished_at
    # One that ended in the future says nothing: a clock was wrong, then or now.
    return age > timedelta(seconds=seconds) or age < -FUTURE
