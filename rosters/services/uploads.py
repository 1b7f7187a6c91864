"""A spreadsheet that somebody uploads: checked in a trial run first, imported when told to.

The worker does both (`upload_runs`); here is what a person decides.
"""

import hashlib
from datetime import date, datetime

from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from core.rules import RuleViolation
from rosters.domain.errors import RosterFileError
from rosters.domain.uploads import check_file
from rosters.models import ImportRow, RosterUpload
from rosters.selectors import refused_rows

State = RosterUpload.State


def check_as_of(as_of: date, today: date) -> None:
    """No refill may be after this day, so it must have come.

    Raises:
        RuleViolation: it is still to come in the clinic.
    """
    if as_of > today:
        raise RuleViolation.of(
            "as_of",
            "date_in_future",
            "This day is in the future. Choose today, or the day on which the sheet was written.",
        )


def upload_roster(
    *, clinic: Clinic, content: bytes, suffix: str, as_of: date, by: User, now: datetime
) -> RosterUpload:
    """Take a spreadsheet in; the worker checks it next.

    The same sheet, as of the same day, while it is on its way already: that one is returned.

    Args:
        suffix: the end of the file's name, such as `.csv`; the name is not wanted here.
        as_of: the clinic's date that no refill may be after.

    Raises:
        RuleViolation: at the field `file` or `as_of`. Then nothing is kept.
    """
    check_may(by, Action.RESOLVE_IMPORT, clinic)
    today = now.astimezone(clinic.zone).date()
    check_as_of(as_of, today)
    try:
        sheet = check_file(content, suffix)
    except RosterFileError as error:
        raise RuleViolation.of("file", "unreadable_file", str(error)) from None
    with transaction.atomic():
        Clinic.objects.select_for_update().get(pk=clinic.pk)  # two uploads of it take turns
        digest = hashlib.sha256(content).hexdigest()
        there = RosterUpload.objects.filter(clinic=clinic, content_sha256=digest, as_of=as_of)
        open_one = there.exclude(state__in=RosterUpload.WITHOUT_FILE).defer("content").first()
        if open_one is not None:
            return open_one
        made = RosterUpload.objects.create(
            clinic=clinic,
            by=by,
            uploaded_at=now,
            uploaded_on=today,
            as_of=as_of,
            suffix=suffix,
            content=content,
            content_sha256=digest,
            content_bytes=len(content),
            rows_total=len(sheet.rows),
            moved_at=now,
        )
        record(made, "upload.received", by, now, rows=made.rows_total, as_of=as_of.isoformat())
    return made


@transaction.atomic
def start_import(*, upload: RosterUpload, by: User, now: datetime, seen: str) -> RosterUpload:
    """Have a checked sheet imported.

    Args:
        seen: the check whose result was looked at (`seen_of`).

    Raises:
        RuleViolation: it is not checked, was checked anew since, or is being imported already.
    """
    row = _locked(upload, by)
    if row.state in (State.IMPORTING, State.IMPORTED):
        raise RuleViolation.of(
            "upload", "already_started", "Somebody started this import already. Look at it below."
        )
    if row.state != State.CHECKED:
        raise RuleViolation.of(
            "upload", "not_checked", "This sheet has no finished check. Look at it below."
        )
    if seen != seen_of(row):
        raise RuleViolation.of(
            "upload",
            "stale",
            "The sheet was checked again after you opened this page. Look at the new result "
            "below, then import it.",
        )
    row.state, row.import_by = State.IMPORTING, by
    return _onward(row, "upload.import_started", by, now)


@transaction.atomic
def check_again(*, upload: RosterUpload, by: User, now: datetime) -> RosterUpload:
    """Look at the sheet against today's record once more, or go on after a stop.

    Raises:
        RuleViolation: the sheet is neither checked nor stopped.
    """
    row = _locked(upload, by)
    if row.state not in (State.CHECKED, State.FAILED):
        raise RuleViolation.of(
            "upload",
            "not_now",
            "Only a sheet that is checked or stopped can be taken up again. Look at it below.",
        )
    if row.run_id is not None:
        row.state = State.IMPORTING
        return _onward(row, "upload.import_started", by, now)
    row.state, row.report = State.WAITING, []
    row.checked_at = row.checked_sequence = None
    return _onward(row, "upload.check_again", by, now)


@transaction.atomic
def discard(*, upload: RosterUpload, by: User, now: datetime) -> RosterUpload:
    """Do not import the sheet; its file and its report go.

    Raises:
        RuleViolation: its import has begun, or there is nothing left to discard.
    """
    row = _locked(upload, by)
    if row.state == State.IMPORTING:
        raise RuleViolation.of(
            "upload",
            "already_started",
            "The import has begun, and rows may be in the record. Let it end.",
        )
    if row.state in RosterUpload.WITHOUT_FILE:
        raise RuleViolation.of(
            "upload", "already_ended", "There is nothing left to discard. Look at it below."
        )
    row.state, row.content, row.report, row.ended_at = State.DISCARDED, None, [], now
    return _onward(row, "upload.discarded", by, now)


def seen_of(upload: RosterUpload) -> str:
    """Which check a page shows."""
    return upload.checked_at.isoformat() if upload.checked_at else ""


def _locked(upload: RosterUpload, by: User) -> RosterUpload:
    row = (
        RosterUpload.objects.select_for_update(of=("self",))
        .select_related("clinic")
        .get(pk=upload.pk)
    )
    check_may(by, Action.RESOLVE_IMPORT, row.clinic)
    return row


def _onward(row: RosterUpload, event: str, by: User, now: datetime) -> RosterUpload:
    """Save the next state; whoever still works on the last one has lost its lease."""
    row.let_go()
    row.attempts = 0
    row.refusal = row.error_class = ""
    row.rows_done = 0 if row.run_id is None else row.rows_done
    row.moved_at = now
    row.save()
    record(row, event, by, now)
    return row


def record(row: RosterUpload, event: str, by: User, now: datetime, **values: object) -> None:
    """Write who did what with an upload."""
    audit.record(
        event=event,
        by=by,
        at=now,
        clinic_id=row.clinic_id,
        subject_type="roster_upload",
        subject_id=row.uuid,
        after=values or None,
    )


def refused_of(upload: RosterUpload) -> list[ImportRow]:
    """The sheet's refused rows with every cell as typed: of its trial run, or, once an import has
    begun, those that are still to settle."""
    if upload.run is not None:
        return list(refused_rows([upload.clinic_id], "open").filter(run=upload.run))
    if upload.content is None:
        return []
    wrong = {line["row"]: line["errors"] for line in upload.report if line["errors"]}
    sheet = check_file(bytes(upload.content), upload.suffix)
    return [
        ImportRow(row=raw.row, raw=raw.cells, errors=wrong[raw.row])
        for raw in sheet.rows
        if raw.row in wrong
    ]
