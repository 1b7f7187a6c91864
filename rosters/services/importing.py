"""The import of a clinic's spreadsheet (docs/contracts.md, Roster import).

One row is one transaction. Every row is kept, as typed, before the first one is read: whatever
stops an import, each row it did not get to is a refused row on the board.
"""

import hashlib
import logging
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final

from django.db import connection, transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from accounts.services import SYSTEM_USERS, bump_change_sequence
from core.rules import Problem, RuleViolation
from patients.models import Patient
from rosters.domain import rows as domain
from rosters.domain.errors import RosterFileError
from rosters.domain.identity import identity_of, independent_groups, shared_numbers
from rosters.domain.row_types import WHOLE_ROW, Context, RosterRow, RowError
from rosters.domain.sheet import RawRow, RosterSheet, read_roster
from rosters.models import ImportRow, ImportRun
from rosters.selectors import is_on_its_way

from .facts import (
    Applied,
    Recorder,
    RowRefusedError,
    catalogue_of,
    identity_errors,
    identity_of_patient,
    patient_of,
)
from .progress import NOT_REACHED, Progress, is_reached
from .report import ImportReport, RowReport
from .settle import OpenRows, Seen

logger = logging.getLogger(__name__)

REFUSED: Final = ImportRow.Outcome.REFUSED
_ADVISORY_LOCK: Final = 0x17B  # with the clinic's key: two imports take turns, row by row
_COUNTS: Final = ("rows", "imported", "unchanged", "refused")
# Where the services' fields stand in the sheet.
_COLUMNS: Final = {
    "mrn": "MRN",
    "serial_number": "Pump Serial",
    "implanted_on": "Implanted",
    "at": "Last Refill",
    "effective_at": "Last Refill",
    "volume_ml": "Volume (mL)",
    "concentration_mcg_per_ml": "Concentration",
    "daily_dose_mcg": "Daily Dose",
    "low_reservoir_alarm_ml": "Low Alarm (mL)",
}


def import_roster(
    *,
    clinic: Clinic,
    content: bytes,
    filename_suffix: str,
    as_of: date,
    by: User,
    now: datetime,
    dry_run: bool = False,
    follower: Progress | None = None,
) -> ImportReport:
    """Import a clinic's spreadsheet.

    Args:
        filename_suffix: such as `.csv`.
        as_of: the clinic's date that no refill may be after.
        dry_run: write nothing, and report what would come of it.
        follower: is told of each row, may stop after any, and says where to go on.

    Raises:
        RuleViolation: the file as a whole cannot be read (`unreadable_file`), or the user may not
            import here. Then nothing was written. A row that is refused raises nothing.
    """
    if by.username not in SYSTEM_USERS:
        check_may(by, Action.RESOLVE_IMPORT, clinic)
    try:
        sheet = read_roster(content, filename_suffix)
    except RosterFileError as error:
        raise RuleViolation.of("file", "unreadable_file", str(error)) from None
    importer = _Importer(clinic, sheet, as_of=as_of, by=by, now=now, follower=follower)
    return importer.rehearse() if dry_run else importer.run(content)


class _Importer:
    """One import of one sheet."""

    def __init__(
        self,
        clinic: Clinic,
        sheet: RosterSheet,
        *,
        as_of: date,
        by: User,
        now: datetime,
        follower: Progress | None,
    ) -> None:
        self.clinic, self.sheet, self.by, self.now = clinic, sheet, by, now
        self.as_of = as_of
        self.follower = follower
        self.recorder = Recorder(clinic, by, now)
        self.context = Context(
            as_of=as_of,
            zone=clinic.zone,
            catalogue=catalogue_of(clinic),
            day_first_sheet=domain.day_first_sheet(sheet),
        )
        self.shared_numbers = shared_numbers(sheet.rows)

    # --- for real --------------------------------------------------------------------------------

    def run(self, content: bytes) -> ImportReport:
        begun = self.follower.run if self.follower else None
        open_rows = OpenRows(self.clinic, by=self.by, now=self.now, of_run=begun)
        if begun is None:
            run, kept = self._keep_raw_rows(content)
        else:
            run, kept = begun, {row.row: row for row in begun.import_rows.order_by("row")}
        report = ImportReport(dry_run=False, run_uuid=str(run.uuid))
        for raw in self.sheet.rows:
            if begun is not None and is_reached(kept[raw.row]):
                continue
            result = self._import_row(raw, kept[raw.row], open_rows)
            if result is not None:
                report.results.append(result)
            if not self._goes_on(raw, result):
                report.stopped = True
                return report
        self._finish(run)
        return report

    def _goes_on(self, raw: RawRow, result: RowReport | None) -> bool:
        return self.follower is None or self.follower.after_row(raw, result)

    @transaction.atomic
    def _keep_raw_rows(self, content: bytes) -> tuple[ImportRun, dict[int, ImportRow]]:
        run = ImportRun.objects.create(
            clinic=self.clinic,
            by=self.by,
            as_of=self.as_of,
            content_sha256=hashlib.sha256(content).hexdigest(),
            started_at=self.now,
            rows=len(self.sheet.rows),
        )
        kept = ImportRow.objects.bulk_create(
            ImportRow(
                run=run,
                clinic=self.clinic,
                row=raw.row,
                mrn=raw.cells.get("MRN", "").strip()[:200],
                raw=raw.cells,
                outcome=REFUSED,
                errors=_errors_json([NOT_REACHED]),
            )
            for raw in self.sheet.rows
        )
        if self.follower is not None:
            self.follower.begun(run)
        bump_change_sequence([self.clinic.pk])
        return run, {row.row: row for row in kept}

    def _import_row(self, raw: RawRow, kept: ImportRow, open_rows: OpenRows) -> RowReport | None:
        """The facts, what came of the row, and what it settles, in one transaction. None where a
        worker that was slower than its lease came to the row in the meantime."""
        seen = Seen.of(raw)
        with self._row_transaction():
            if self.follower is not None:
                kept.refresh_from_db(fields=["outcome", "errors"])
                if is_reached(kept):
                    return None
            result, applied = self._read_and_apply(raw)
            kept.outcome = result.outcome
            kept.errors = _errors_json(result.errors)
            kept.warnings = [{"code": w.code, "message": w.message} for w in result.warnings]
            kept.patient = applied.patient if applied else self._patient_meant(raw)
            # What an import beside this one settled, it settled before the outcome was known.
            kept.settled_by_row = None
            kept.save(update_fields=["outcome", "errors", "warnings", "patient", "settled_by_row"])
            self._open_again(kept)
            if result.outcome != ImportRow.Outcome.UNCHANGED:
                codes = [e.code for e in result.errors]
                self._audit(kept, codes, f"roster.row_{kept.outcome}")
            settled = open_rows.settled_by(kept, seen)
        open_rows.forget(settled)
        return result

    def _open_again(self, kept: ImportRow) -> None:
        """Whoever dismissed the row before it was read did not know what would come of it."""
        dismissed = ImportRow.objects.filter(pk=kept.pk, dismissed_at__isnull=False)
        if dismissed.update(dismissed_at=None, dismissed_by=None, dismiss_reason=""):
            self._audit(kept, [e["code"] for e in kept.errors], "roster.row_opened_again")

    def _patient_meant(self, raw: RawRow) -> Patient | None:
        """The patient on record whom a refused row surely speaks of."""
        identity = identity_of(raw)
        patient = patient_of(self.clinic, identity)
        if patient is None or not identity.same_person(identity_of_patient(patient)):
            return None
        return patient

    def _finish(self, run: ImportRun) -> None:
        with transaction.atomic():
            outcomes = Counter(run.import_rows.values_list("outcome", flat=True))
            run.imported = outcomes[ImportRow.Outcome.IMPORTED]
            run.unchanged = outcomes[ImportRow.Outcome.UNCHANGED]
            run.refused = outcomes[REFUSED]
            run.finished_at = self.now
            run.save(update_fields=["imported", "unchanged", "refused", "finished_at"])
            counts = {name: getattr(run, name) for name in _COUNTS}
            audit.record(
                event="roster.imported",
                by=self.by,
                at=self.now,
                clinic_id=self.clinic.pk,
                subject_type="import_run",
                subject_id=run.uuid,
                after={"as_of": self.as_of.isoformat(), **counts},
            )
            bump_change_sequence([self.clinic.pk])

    # --- to see what would come of it ------------------------------------------------------------

    def rehearse(self) -> ImportReport:
        """The same, undone. Rows that share a number see each other; all others are undone one by
        one, so that nobody in the clinic waits for the whole sheet."""
        known = self.follower.known if self.follower else frozenset()
        found: dict[int, RowReport] = {}
        stopped = False
        for group in independent_groups(self.sheet.rows):
            if stopped or known.issuperset(raw.row for raw in group):
                continue
            with _undone(), self._row_transaction():
                for raw in group:
                    found[raw.row] = self._read_and_apply(raw)[0]
            told = [self._goes_on(raw, found[raw.row]) for raw in group]  # of each row
            stopped = not all(told)
        results = [found[raw.row] for raw in self.sheet.rows if raw.row in found]
        return ImportReport(dry_run=True, stopped=stopped, results=results)

    # --- one row ---------------------------------------------------------------------------------

    @contextmanager
    def _row_transaction(self) -> Iterator[None]:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(%s, %s)", [_ADVISORY_LOCK, self.clinic.pk]
                )
            yield

    def _read_and_apply(self, raw: RawRow) -> tuple[RowReport, Applied | None]:
        """What comes of a row; when it is refused, nothing of it is written."""
        try:
            with transaction.atomic():
                applied = self._apply(raw)
        except RowRefusedError as refused:
            return self._refused(raw, refused.errors), None
        except RuleViolation as violation:
            return self._refused(raw, map(_as_row_error, violation.problems)), None
        except Exception as error:  # whatever it is, the row is kept and the others are read
            return self._failed(raw, error), None
        mrn = identity_of(raw).mrn
        report = RowReport(raw.row, mrn, applied.outcome, (), applied.warnings, applied.projection)
        return report, applied

    def _apply(self, raw: RawRow) -> Applied:
        row = domain.read_row(raw, self.context)
        shared = self.shared_numbers.get(raw.row, ())
        if isinstance(row, RosterRow) and not shared:
            return self.recorder.apply(row)
        errors = [] if isinstance(row, RosterRow) else list(row.errors)
        # The line that it clashes with says more than that the record has it too.
        said = {error.code for error in shared}
        recorded = identity_errors(self.clinic, row.identity)
        errors += [*shared, *(error for error in recorded if error.code not in said)]
        raise RowRefusedError(errors)

    def _refused(self, raw: RawRow, errors: Iterable[RowError]) -> RowReport:
        ordered = domain.in_sheet_order(errors, self.sheet)
        return RowReport(raw.row, identity_of(raw).mrn, REFUSED, ordered)

    def _failed(self, raw: RawRow, error: Exception) -> RowReport:
        # The place and the type only: an error's message may hold a patient's values.
        logger.error(
            "roster row failed: clinic_id=%s row=%s %s\n%s",
            self.clinic.pk,
            raw.row,
            type(error).__name__,
            "".join(traceback.format_tb(error.__traceback__)),
        )
        return self._refused(
            raw,
            [
                RowError(
                    WHOLE_ROW,
                    "failed",
                    f"The row could not be imported ({type(error).__name__}). Import the sheet "
                    "again; if that does not help, tell whoever runs this application.",
                )
            ],
        )

    def _audit(self, kept: ImportRow, codes: list[str], event: str) -> None:
        audit.record(
            event=event,
            by=self.by,
            at=self.now,
            clinic_id=self.clinic.pk,
            subject_type="import_row",
            subject_id=kept.uuid,
            after={"row": kept.row, "codes": codes},
        )


@contextmanager
def _undone() -> Iterator[None]:
    """A transaction that is rolled back whatever happens in it."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def _errors_json(errors: Iterable[RowError]) -> list[dict[str, str]]:
    return [{"column": e.column, "code": e.code, "message": e.message} for e in errors]


def _as_row_error(problem: Problem) -> RowError:
    """A service's problem under the heading of its cell."""
    column = _COLUMNS.get(problem.field, WHOLE_ROW)
    if problem.field.startswith("groups"):
        column = "Schedule"
    return RowError(column, problem.code, f"{column}: {problem.message}")


@transaction.atomic
def dismiss_row(*, row: ImportRow, by: User, at: datetime, reason: str) -> ImportRow:
    """Take a refused row off the board without importing it: a named person says why.

    Raises:
        RuleViolation: no reason, not allowed, nothing to dismiss any more, or the import is still
            on its way to the row.
    """
    locked = (
        ImportRow.objects.select_for_update(of=("self",))
        .select_related("clinic", "run")
        .get(pk=row.pk)
    )
    check_may(by, Action.RESOLVE_IMPORT, locked.clinic)
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Write why this row need not be imported.")
    if locked.outcome != REFUSED or locked.settled_by_row_id or locked.dismissed_at:
        raise RuleViolation.of(
            "row", "already_settled", "This row was settled already. Look at the board again."
        )
    if not is_reached(row) and (is_reached(locked) or is_on_its_way(locked.run)):
        raise RuleViolation.of(
            "row",
            "not_reached",
            "The import had not read this row yet, and is on its way. Look at the board again once "
            "it has: nobody knows before what comes of the row.",
        )
    locked.dismissed_at, locked.dismissed_by = at, by
    locked.dismiss_reason = reason.strip()
    locked.save(update_fields=["dismissed_at", "dismissed_by", "dismiss_reason"])
    audit.record(
        event="roster.row_dismissed",
        by=by,
        at=at,
        clinic_id=locked.clinic_id,
        subject_type="import_row",
        subject_id=locked.uuid,
        reason=reason.strip(),
    )
    bump_change_sequence([locked.clinic_id])
    return locked
