"""The scans that keep every date true (docs/reliability.md, 1 and 2).

Each scan looks without locks, in keyset chunks, and takes locks only for the pumps it found
different. A scan that is killed leaves its row unfinished; the next one does all of the work.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from alarms.models import Projection
from alarms.selectors.inputs import load_facts
from alarms.services.projection import COMPUTED, compute
from followup.models import ScanRun
from followup.selectors.reminding import pumps_to_plan
from pumps.models import Pump
from pumps.selectors import taken_out
from pumps.services import lock_pump

from . import delivering, reminding, work_items
from .resyncing import refresh

logger = logging.getLogger(__name__)

Stored = Mapping[str, object]  # a projection's columns, without the cost of a model instance
CHUNK: Final = 500
MAX_FINDINGS: Final = 200  # a run row stays readable; the counts go on


def sweep(*, clock: Callable[[], datetime], chunk: int = CHUNK) -> ScanRun:
    """Recompute every active pump; heal what differs and report it.

    Args:
        clock: gives the present instant; each chunk takes it anew, a sweep may last minutes.

    Returns:
        The run's row with its counts.
    """
    run = ScanRun.objects.create(kind=ScanRun.Kind.SWEEP, started_at=clock())
    for pump_ids in _chunks(chunk):
        _look_at(run, pump_ids, clock())
    return _finish(run, clock())


def due_scan(*, clock: Callable[[], datetime], chunk: int = CHUNK) -> ScanRun:
    """Do what the passing of time brings: recompute, plan reminders, pass on what nobody did.

    Its cost follows what is due, not how many pumps there are.
    """
    run = ScanRun.objects.create(kind=ScanRun.Kind.DUE_SCAN, started_at=clock())
    last = 0
    try:
        while pump_ids := _to_recheck(clock(), after=last, size=chunk):
            _look_at(run, pump_ids, clock())
            last = pump_ids[-1]
        _plan(run, clock(), chunk)
    finally:  # whatever failed above, what nobody did or sent is passed on
        delivering.end_expired(now=clock())
        work_items.escalate_overdue(now=clock())
    return _finish(run, clock())


def _plan(run: ScanRun, now: datetime, chunk: int) -> None:
    """Plan what is owed, together where that works, else pump by pump: one that cannot be planned
    must not stop all that come after it."""
    try:
        reminding.plan_due(now=now)
        return
    except Exception as error:  # whatever it is; its message may hold a patient's values
        logger.error("not planned together: %s", type(error).__name__)
    failed_before = run.failed
    last = 0
    while pump_ids := pumps_to_plan(now, after=last, size=chunk):
        for pump_id in pump_ids:
            _plan_one(run, pump_id, now)
        last = pump_ids[-1]
    if run.failed == failed_before:  # no pump's fault: then it works now, or the scan fails of it
        reminding.plan_due(now=now)


def _plan_one(run: ScanRun, pump_id: int, now: datetime) -> None:
    try:
        with transaction.atomic():
            lock_pump(pump_id)
            reminding.plan_for([pump_id], now=now)
    except Exception as error:  # the others are planned; this one is reported at every scan
        logger.error("not planned: pump_id=%s %s", pump_id, type(error).__name__)
        _report(run, pump_id, [ScanRun.NOT_PLANNED], type(error).__name__)


def _to_recheck(now: datetime, *, after: int, size: int) -> list[int]:
    due = Projection.objects.filter(recheck_at__lte=now, pump_id__gt=after).order_by("pump_id")
    return list(due.values_list("pump_id", flat=True)[:size])


def _chunks(size: int) -> Iterator[list[int]]:
    """The ids of all pumps that were not taken out, a chunk at a time, so that memory is flat."""
    last = 0
    while True:
        pumps = Pump.objects.filter(~taken_out(), pk__gt=last).order_by("pk")
        ids = list(pumps.values_list("pk", flat=True)[:size])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _look_at(run: ScanRun, pump_ids: list[int], now: datetime) -> None:
    stored = _stored(pump_ids)
    different = []
    for pump_id, facts in load_facts(pump_ids).items():
        computed = compute(facts, now).row
        run.looked_at += 1
        if _differing(stored.get(pump_id), computed):
            different.append(pump_id)
        elif computed.failure:
            _report(run, pump_id, [], computed.failure)
        else:
            run.unchanged += 1
    for pump_id, row in _refreshed(run, different, now).items():
        _count(run, row, stored.get(pump_id), now)


def _refreshed(run: ScanRun, pump_ids: list[int], now: datetime) -> dict[int, Projection]:
    """Recompute pumps under their locks, together where that works, else one by one: an error at
    one pump, whatever it is, must not stop the others."""
    if not pump_ids:
        return {}
    try:
        return refresh(pump_ids, now=now)
    except Exception as error:  # its message may hold a patient's values
        logger.error("not healed: %d pumps %s", len(pump_ids), type(error).__name__)
        if len(pump_ids) == 1:
            _report(run, pump_ids[0], ["not written"], type(error).__name__)
            return {}
        found = [_refreshed(run, [pump_id], now) for pump_id in pump_ids]
        return {pump_id: row for one in found for pump_id, row in one.items()}


def _count(run: ScanRun, row: Projection, stored: Stored | None, now: datetime) -> None:
    fields = _differing(stored, row)
    if row.failure:
        _report(run, row.pump_id, fields, row.failure)
    elif not fields:  # another writer was faster
        run.unchanged += 1
    elif _was_expected(stored, now):
        run.refreshed += 1
    else:
        _report(run, row.pump_id, fields, "")


def _report(run: ScanRun, pump_id: int, fields: list[str], failure: str) -> None:
    if failure:
        run.failed += 1
    else:
        run.healed += 1
    if len(run.findings) < MAX_FINDINGS:
        run.findings.append({"pump": pump_id, "fields": fields, "failure": failure})


def _stored(pump_ids: list[int]) -> dict[int, Stored]:
    rows = Projection.objects.filter(pump_id__in=pump_ids).values("pump_id", *COMPUTED)
    return {row.pop("pump_id"): row for row in rows}


def _differing(stored: Stored | None, computed: Projection) -> list[str]:
    if stored is None:
        return ["missing"]
    return [name for name in COMPUTED if stored[name] != getattr(computed, name)]


def _was_expected(stored: Stored | None, now: datetime) -> bool:
    """Whether the passing of time explains the difference."""
    recheck_at = stored["recheck_at"] if stored else None
    return isinstance(recheck_at, datetime) and recheck_at <= now


def _finish(run: ScanRun, now: datetime) -> ScanRun:
    run.finished_at = now
    run.save()
    log = logger.warning if run.healed or run.failed else logger.info
    log(
        "%s: looked_at=%d unchanged=%d refreshed=%d healed=%d failed=%d seconds=%.1f",
        run.kind,
        run.looked_at,
        run.unchanged,
        run.refreshed,
        run.healed,
        run.failed,
        (now - run.started_at).total_seconds(),
    )
    return run
