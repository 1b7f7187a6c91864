"""The worker's part of an upload: the trial run, and the import.

An upload is claimed for a time (`core.leases`), which every step forward renews; what came of it
is recorded behind a fence. A worker that is killed leaves a lease that runs out, and the next scan
goes on where the last step was written.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, PositiveIntegerField, Value, When
from django.db.models.functions import Greatest

from accounts.selectors import change_sequence
from accounts.services import system_user
from core import leases
from core.rules import RuleViolation
from rosters.domain.sheet import RawRow
from rosters.domain.uploads import LEASE, MAX_ATTEMPTS, SLICE
from rosters.models import ImportRow, ImportRun, RosterUpload

from .importing import import_roster
from .progress import NOT_REACHED, Progress
from .report import ImportReport, RowReport, dates_of
from .uploads import record

logger = logging.getLogger(__name__)

State = RosterUpload.State
_STEP: Final = timedelta(seconds=1)  # how often progress is written
_KEEP: Final = timedelta(seconds=5)  # how often a trial run's findings are
STOPPED: Final = (
    "The worker stopped at this sheet three times. Try again; if it stops again, tell whoever runs "
    "this application."
)

# What the claim changes besides the lease: who waited for the check has it now.
_BEGIN: Final = "state = CASE held.state WHEN 'waiting' THEN 'checking' ELSE held.state END"


@dataclass(frozen=True, slots=True)
class Held:
    """An upload under a lease."""

    upload: RosterUpload
    worker: str
    clock: Callable[[], datetime]
    ends: datetime  # when the worker takes breath

    def locked(self) -> RosterUpload:
        """The row, to say what came of it.

        Raises:
            LeaseLostError: it is not ours to say.
        """
        return leases.fenced(RosterUpload.objects.all(), self.upload.pk, worker=self.worker)

    def step(self, done: int) -> bool:
        """Write how far it is and renew the lease; False when it is lost."""
        count = PositiveIntegerField()
        attempts = Case(When(rows_done__lt=done, then=0), default="attempts", output_field=count)
        return leases.hold(
            self.upload,
            worker=self.worker,
            lease=LEASE,
            moved_at=leases.CLOCK,
            attempts=attempts,
            rows_done=Greatest("rows_done", Value(done, output_field=count)),
        )


def run_uploads(*, clock: Callable[[], datetime], slice_of: timedelta = SLICE) -> bool:
    """Take up each upload that waits for the worker. Any number of these may run at once.

    Returns:
        Whether more is to do: the time was up before the end. The next ring or scan goes on.
    """
    ends = clock() + slice_of
    while (held := claim(clock=clock, ends=ends)) is not None:
        _work(held)
        if clock() >= ends:
            return RosterUpload.objects.filter(
                state__in=RosterUpload.FOR_THE_WORKER, lease_until__isnull=True
            ).exists()
    return False


def claim(*, clock: Callable[[], datetime], ends: datetime) -> Held | None:
    """Take the next upload, also one whose worker is gone: the next goes on where it stood."""
    worker = uuid.uuid4().hex
    waiting = RosterUpload.objects.filter(state__in=RosterUpload.FOR_THE_WORKER)
    due = waiting.filter(leases.FREE | leases.RUN_OUT).order_by("attempts", "id")
    ids = leases.claim(due, worker=worker, lease=LEASE, also=_BEGIN)
    if not ids:
        return None
    rows = RosterUpload.objects.select_related("clinic", "by", "import_by", "run")
    upload = rows.get(pk=ids[0])
    return Held(upload, worker, clock, ends)


def _work(held: Held) -> None:
    upload = held.upload
    try:
        if upload.attempts > MAX_ATTEMPTS:
            _end(held, State.FAILED, STOPPED)
        elif upload.state == State.IMPORTING:
            _import(held)
        else:
            _check(held)
    except leases.LeaseLostError:
        logger.info("upload %s: somebody else has it now", upload.uuid)
    except RuleViolation as violation:
        _refused(held, violation)
    except Exception as error:  # its lease runs out, and the next scan tries again
        logger.error("upload %s: %s", upload.uuid, type(error).__name__)
        RosterUpload.objects.filter(pk=upload.pk, lease_by=held.worker).update(
            error_class=type(error).__name__[:60]
        )


def _refused(held: Held, violation: RuleViolation) -> None:
    codes = {problem.code for problem in violation.problems}
    state = State.UNREADABLE if "unreadable_file" in codes else State.FAILED
    try:
        _end(held, state, " ".join(problem.message for problem in violation.problems))
    except leases.LeaseLostError:
        logger.info("upload %s: somebody else has it now", held.upload.uuid)


def _check(held: Held) -> None:
    upload = held.upload
    _note_sequence(held)
    follower = _Rehearsal(held)
    report = _run(held, follower, by=upload.by, dry_run=True)
    if report.stopped:
        follower.keep()
        _put_back(held)
        return
    with transaction.atomic():
        row, now = held.locked(), held.clock()
        row.report = follower.findings
        row.state, row.checked_at = State.CHECKED, now
        row.rows_done = row.rows_total
        _let_go(row, now)
        record(row, "upload.checked", upload.by, now, **_counts(row.report))


@transaction.atomic
def _note_sequence(held: Held) -> None:
    """Write where the clinic's record stood before the first row was looked at. A later slice
    leaves that as it is: the earlier ones know nothing of what changed since."""
    row = held.locked()
    if row.checked_sequence is None:
        row.checked_sequence = change_sequence([row.clinic_id])
        row.save(update_fields=["checked_sequence"])


def _import(held: Held) -> None:
    upload = held.upload
    follower = _Import(held)
    by = upload.import_by
    assert by is not None, "the database says so"
    if _run(held, follower, by=by, dry_run=False).stopped:
        _put_back(held)
        return
    _end(held, State.IMPORTED, "")


def _run(held: Held, follower: "_Step", *, by: Any, dry_run: bool) -> ImportReport:
    upload = held.upload
    return import_roster(
        clinic=upload.clinic,
        content=bytes(upload.content or b""),
        filename_suffix=upload.suffix,
        as_of=upload.as_of,
        by=by,
        now=held.clock(),
        dry_run=dry_run,
        follower=follower,
    )


@transaction.atomic
def _end(held: Held, state: State, refusal: str) -> None:
    row, now = held.locked(), held.clock()
    row.state, row.refusal = state, refusal
    if state in RosterUpload.WITHOUT_FILE:
        row.content, row.ended_at = None, now
    if state == State.IMPORTED:
        row.rows_done = row.rows_total
    _let_go(row, now)
    by = held.upload.import_by or held.upload.by if state == State.IMPORTED else _worker()
    record(row, f"upload.{state}", by, now)


def _worker() -> Any:
    return system_user("system-scan")


def _let_go(row: RosterUpload, now: datetime) -> None:
    row.let_go()
    row.attempts, row.moved_at = 0, now
    row.save()


@transaction.atomic
def _put_back(held: Held) -> None:
    """Its time is up, and it came forward: the next scan goes on."""
    _let_go(held.locked(), held.clock())


class _Step(Progress):
    """Writes how far a sheet is, not more often than once a second."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.done = 0
        self._written = held.clock()

    def after_row(self, raw: RawRow, result: RowReport | None) -> bool:
        self.done += 1
        self.note(raw, result)
        now = self.held.clock()
        if now - self._written < _STEP:
            return True
        self._written = now
        return self.held.step(self.done) and now < self.held.ends

    def note(self, raw: RawRow, result: RowReport | None) -> None:
        """What came of the row, where nothing else keeps it."""


class _Rehearsal(_Step):
    """Keeps what the trial run found, so that another worker can go on with it."""

    def __init__(self, held: Held) -> None:
        super().__init__(held)
        self._found = {line["row"]: line for line in held.upload.report}
        self.known = frozenset(self._found)
        self.done = len(self.known)
        self._kept = held.clock()

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [self._found[row] for row in sorted(self._found)]

    def note(self, raw: RawRow, result: RowReport | None) -> None:
        assert result is not None, "a rehearsal says what comes of each row"
        self._found[raw.row] = finding(raw, result)

    def after_row(self, raw: RawRow, result: RowReport | None) -> bool:
        goes_on = super().after_row(raw, result)
        if goes_on and self.held.clock() - self._kept >= _KEEP:
            self.keep()
        return goes_on

    def keep(self) -> None:
        """Write the findings so far."""
        self._kept = self.held.clock()
        with transaction.atomic():
            row = self.held.locked()
            row.report = self.findings
            row.save(update_fields=["report"])


class _Import(_Step):
    """The rows themselves are kept by the import; here is which import it is."""

    def __init__(self, held: Held) -> None:
        super().__init__(held)
        self.run = held.upload.run
        if self.run is not None:
            self.done = _reached(self.run)

    def begun(self, run: ImportRun) -> None:
        row = self.held.locked()
        row.run = run
        row.save(update_fields=["run"])


def _reached(run: ImportRun) -> int:
    to_come = run.import_rows.filter(errors__contains=[{"code": NOT_REACHED.code}])
    return run.import_rows.count() - to_come.count()


def finding(raw: RawRow, result: RowReport) -> dict[str, Any]:
    """A row of the trial run as the page shows it: with what was typed."""
    names = [raw.cells.get(name, "").strip() for name in ("Last Name", "First Name")]
    return {
        **dates_of(result),
        "name": ", ".join(name for name in names if name),
        "outcome": str(result.outcome),
        "sheet_alarm_date": raw.cells.get("Alarm Date", "").strip(),
        "errors": [
            {
                "column": error.column,
                "code": error.code,
                "message": error.message,
                "typed": raw.cells.get(error.column, ""),
            }
            for error in result.errors
        ],
        "warnings": [{"code": w.code, "message": w.message} for w in result.warnings],
    }


def _counts(findings: list[dict[str, Any]]) -> dict[str, int]:
    outcomes = [line["outcome"] for line in findings]
    return {name: outcomes.count(name) for name in ImportRow.Outcome.values}
