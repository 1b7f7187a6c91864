"""Whether the process lives, and whether each part that it needs does."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from documents.selectors import papers_wait, pdf_is_missing
from followup.selectors import scans


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; it asks nothing else."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part works, else 503 with the name of each that does not."""
    failing = [name for name, works in PARTS.items() if not works()]
    body = {"status": "failing" if failing else "ok", "failing": failing}
    return JsonResponse(body, status=503 if failing else 200)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except DatabaseError:
        return False


def _broker() -> bool:
    try:
        client = redis.Redis.from_url(
            settings.CELERY_BROKER_URL, socket_connect_timeout=2, socket_timeout=2
        )
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _sweep() -> bool:
    try:
        return not scans.is_stale(scans.last_complete_sweep(), timezone.now())
    except DatabaseError:
        return False


def _due_scan() -> bool:
    """Somebody plans the reminders and passes on what nobody did."""
    try:
        return not scans.is_due_scan_stale(scans.last_complete_due_scan(), timezone.now())
    except DatabaseError:
        return False


def _delivery() -> bool:
    """Somebody sends the messages that wait, and ends those that waited too long."""
    try:
        return not scans.is_delivery_stale(scans.last_delivery(), timezone.now())
    except DatabaseError:
        return False


def _summaries() -> bool:
    """No family waits for a paper that nobody makes."""
    try:
        return not papers_wait(timezone.now())
    except DatabaseError:
        return False


def _pdf() -> bool:
    """The worker makes PDFs; without one the page still prints."""
    try:
        return not pdf_is_missing()
    except DatabaseError:
        return False


PARTS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "broker": _broker,
    "sweep": _sweep,
    "due_scan": _due_scan,
    "delivery": _delivery,
    "summaries": _summaries,
    "pdf": _pdf,
}
