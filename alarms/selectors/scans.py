"""What the scans left behind: when all dates were last checked, and whether that is long ago."""

from datetime import datetime, timedelta

from django.conf import settings

from alarms.models import ScanRun


def last_complete_sweep() -> ScanRun | None:
    """The last sweep that came to its end, however many pumps it found wrong."""
    return last_complete(ScanRun.Kind.SWEEP)


def last_complete(kind: ScanRun.Kind) -> ScanRun | None:
    """The last run of a scan that came to its end."""
    return (
        ScanRun.objects.filter(kind=kind, finished_at__isnull=False)
        .order_by("-finished_at", "-id")
        .first()
    )


def is_stale(run: ScanRun | None, now: datetime) -> bool:
    """Whether the last complete sweep is so old that nobody may rely on it (reliability.md, I6)."""
    if run is None or run.finished_at is None:
        return True
    return now - run.finished_at > timedelta(seconds=settings.SWEEP_STALE_AFTER_SECONDS)
