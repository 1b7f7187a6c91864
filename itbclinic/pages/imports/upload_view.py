"""An uploaded spreadsheet as the pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.urls import reverse

from accounts.models import Clinic
from accounts.selectors import change_sequence
from core import words
from rosters import selectors
from rosters.models import ImportRow, RosterUpload
from rosters.services.uploads import seen_of

PAGE_SIZE: Final = 50
LATE: Final = timedelta(minutes=2)
State = RosterUpload.State
Outcome = ImportRow.Outcome
TONES: Final = {
    State.CHECKED: "is-due",
    State.FAILED: "is-alarm",
    State.UNREADABLE: "is-alarm",
}
# How a row came out of the trial run, and out of the import.
BEFORE: Final = {
    "imported": "would be imported",
    "unchanged": "is in the record already",
    "refused": "would be refused",
}
AFTER: Final = {
    "imported": "was imported",
    "unchanged": "was in the record already",
    "refused": "was refused",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One upload in the list."""

    upload: RosterUpload
    tone: str
    said: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the board says of a sheet that nobody finished."""

    upload: RosterUpload
    said: str
    act: str


@dataclass(frozen=True, slots=True)
class Tab:
    """One kind of rows with its count."""

    key: str
    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One row of the trial run."""

    row: int
    name: str
    mrn: str
    alarm_date: date | None
    refill_due_on: date | None
    sheet_alarm_date: str
    errors: list[dict[str, str]]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that one sheet's page shows beside the upload itself."""

    said: str  # the progress in words
    quarter: int  # what is said aloud: 0, 25, 50, 75 percent
    say: bool  # whether it was not said yet
    percent: int
    late: bool
    tabs: list[Tab] = field(default_factory=list)
    rows: list[Found] = field(default_factory=list)
    kind: str = ""
    first: int = 1
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    previous: str = ""
    following: str = ""
    seen: str = ""
    moved: bool = False  # the record changed since the check
    otherwise: list[str] = field(default_factory=list)
    still_open: int = 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def line(upload: RosterUpload, now: datetime) -> Line:
    """An upload in the list, with what became of it."""
    said = ""
    if upload.state in RosterUpload.FOR_THE_WORKER:
        said = _progress(upload, now)
    elif upload.state == State.IMPORTED and upload.run is not None:
        run = upload.run
        said = (
            f"{run.imported} imported, {run.unchanged} in the record already, {run.refused} refused"
        )
    elif upload.refusal:
        said = upload.refusal
    return Line(upload, TONES.get(State(upload.state), "quiet"), said)


def waiting(upload: RosterUpload) -> Waiting:
    """A sheet that nobody finished, for the board."""
    at = words.instant(upload.uploaded_at, upload.clinic.zone)
    sheet = f"The spreadsheet of {words.count(upload.rows_total, 'row')} uploaded {at}"
    if upload.state == State.CHECKED:
        return Waiting(upload, f"{sheet} is checked and not imported yet.", "Look at it")
    if upload.state == State.FAILED:
        return Waiting(upload, f"{sheet} stopped before its end.", "See why")
    since = words.instant(upload.moved_at, upload.clinic.zone)
    return Waiting(
        upload, f"{sheet} has not come forward since {since}. Nothing is lost.", "Look at it"
    )


def present(upload: RosterUpload, asked: Mapping[str, str], now: datetime) -> Shown:
    """The page of one sheet.

    Args:
        asked: `show` and `page` of the address, and `said`, the percent that was said aloud.
    """
    percent = 100 * upload.rows_done // upload.rows_total
    quarter = percent // 25 * 25
    base: dict[str, Any] = {
        "said": _progress(upload, now),
        "percent": percent,
        "quarter": quarter,
        "say": asked.get("said", "") != str(quarter),
        "late": _is_late(upload, now),
    }
    if upload.state == State.CHECKED:
        moved = change_sequence([upload.clinic_id]) != upload.checked_sequence
        return Shown(**base, **_found(upload, asked), seen=seen_of(upload), moved=moved)
    if upload.run is not None and upload.state in (State.IMPORTED, State.FAILED):
        return Shown(
            **base,
            otherwise=_otherwise(upload) if upload.state == State.IMPORTED else [],
            still_open=selectors.count_open_of(upload.run),
        )
    return Shown(**base)


def _is_late(upload: RosterUpload, now: datetime) -> bool:
    return upload.state in RosterUpload.FOR_THE_WORKER and now - upload.moved_at > LATE


def _progress(upload: RosterUpload, now: datetime) -> str:
    rows = f"{upload.rows_done:,} of {words.count(upload.rows_total, 'row')}"
    if _is_late(upload, now):
        since = words.instant(upload.moved_at, upload.clinic.zone)
        return f"{rows}; it has not come forward since {since}"
    if upload.state == State.WAITING or (upload.state == State.IMPORTING and not upload.rows_done):
        return f"Waits its turn, for less than a minute as a rule: {rows}"
    return rows


def _found(upload: RosterUpload, asked: Mapping[str, str]) -> dict[str, Any]:
    kinds = {
        "refused": ("Would be refused", _of(upload, Outcome.REFUSED)),
        "look": (
            "Look at these",
            [f for f in upload.report if f["warnings"] and f["outcome"] != Outcome.REFUSED],
        ),
        "import": ("Would be imported", _of(upload, Outcome.IMPORTED)),
        "known": ("In the record already", _of(upload, Outcome.UNCHANGED)),
    }
    first_filled = next((key for key, (_, found) in kinds.items() if found), "import")
    kind = asked.get("show", "")
    kind = kind if kind in kinds else first_filled
    rows = kinds[kind][1]
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    number = asked.get("page", "1")
    page = min(int(number), pages) if number.isascii() and number.isdigit() and number != "0" else 1
    start = (page - 1) * PAGE_SIZE
    return {
        "kind": kind,
        "tabs": [
            Tab(key, label, len(found), f"?show={key}", key == kind)
            for key, (label, found) in kinds.items()
        ],
        "rows": [_row(f) for f in rows[start : start + PAGE_SIZE]],
        "first": start + 1,
        "total": len(rows),
        "counts": {key: len(found) for key, (_, found) in kinds.items()},
        "previous": f"?show={kind}&page={page - 1}" if page > 1 else "",
        "following": f"?show={kind}&page={page + 1}" if page < pages else "",
    }


def _of(upload: RosterUpload, outcome: str) -> list[dict[str, Any]]:
    return [finding for finding in upload.report if finding["outcome"] == outcome]


def _row(finding: Mapping[str, Any]) -> Found:
    return Found(
        row=finding["row"],
        name=finding["name"],
        mrn=finding["mrn"],
        alarm_date=_day(finding["alarm_date"]),
        refill_due_on=_day(finding["refill_due_on"]),
        sheet_alarm_date=finding["sheet_alarm_date"],
        errors=[
            {
                **error,
                "column": "" if error["column"].startswith("(") else error["column"],
                "message": error["message"].removeprefix(error["column"]).lstrip(" :"),
            }
            for error in finding["errors"]
        ],
        warnings=[warning["message"] for warning in finding["warnings"]],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _otherwise(upload: RosterUpload) -> list[str]:
    """Rows that came out otherwise than the check had said."""
    assert upload.run is not None
    came = selectors.outcomes_of(upload.run)
    return [
        f"Line {finding['row']} {AFTER[came[finding['row']]]}; "
        f"the check had said that it {BEFORE[finding['outcome']]}."
        for finding in upload.report
        if came.get(finding["row"], finding["outcome"]) != finding["outcome"]
    ]


def clinic_links(allowed: Sequence[Clinic], here: str) -> list[dict[str, Any]]:
    """The chooser in the top bar."""
    if len(allowed) < 2:
        return []
    page = reverse("imports")
    every = {"label": f"All {len(allowed)} clinics", "url": page, "current": not here}
    return [
        every,
        *(
            {
                "label": clinic.name,
                "url": f"{page}?clinic={clinic.slug}",
                "current": clinic.slug == here,
            }
            for clinic in allowed
        ),
    ]
