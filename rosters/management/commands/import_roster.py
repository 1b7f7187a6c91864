"""`manage.py import_roster`: imports a clinic's spreadsheet, or says what would come of it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import services as accounts
from accounts.selectors import clinic_named
from core.rules import RuleViolation
from rosters.services.importing import import_roster
from rosters.services.report import ImportReport


class Command(BaseCommand):
    help = (
        "Imports a clinic's spreadsheet (CSV or XLSX). Refused rows are a result, not a failure: "
        "they stay on the board. Ends with 1 where the file or the clinic cannot be used at all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the spreadsheet, .csv or .xlsx")
        parser.add_argument("--clinic", required=True, help="the clinic's slug")
        parser.add_argument(
            "--as-of",
            type=_date,
            help="the date that no refill may be after, YYYY-MM-DD; today in the clinic without it",
        )
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only report")
        parser.add_argument("--report", type=Path, help="write the result there as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = clinic_named(options["clinic"])
        if clinic is None:
            raise CommandError("There is no clinic with this slug. Check --clinic.")
        now = timezone.now()
        if options["report"] is not None:
            _check_writable(options["report"])
        try:
            content = options["file"].read_bytes()
            report = import_roster(
                clinic=clinic,
                content=content,
                filename_suffix=options["file"].suffix,
                as_of=options["as_of"] or now.astimezone(clinic.zone).date(),
                by=accounts.system_user("system-import"),
                now=now,
                dry_run=options["dry_run"],
            )
        except OSError as error:
            raise CommandError(f"The file cannot be opened: {error.strerror}.") from None
        except RuleViolation as violation:
            raise CommandError(" ".join(p.message for p in violation.problems)) from None
        self._write(report, options["report"])

    def _write(self, report: ImportReport, path: Path | None) -> None:
        for row, error in report.errors:
            sentence = error.message.removeprefix(error.column).lstrip(" :")
            self.stdout.write(f"line {row}, {error.column}: {sentence} [{error.code}]")
        for row, warning in report.warnings:
            self.stdout.write(f"line {row}, look: {warning.message} [{warning.code}]")
        done = "would be imported" if report.dry_run else "imported"
        self.stdout.write(
            f"{report.rows} rows: {report.imported} {done}, {report.unchanged} in the record "
            f"already, {report.refused} refused."
        )
        if report.refused and not report.dry_run:
            self.stdout.write(
                "The refused rows stay on top of the board until they are imported, or dismissed "
                "by somebody with a reason."
            )
        if path is not None:
            text = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
            path.write_text(text + "\n", encoding="utf-8")


def _check_writable(path: Path) -> None:
    """Before anything is imported: a report that cannot be written would be missed afterwards."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise CommandError(
            f"The report cannot be written: {error.strerror}. Nothing was imported."
        ) from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError("--as-of must be a date such as 2026-11-22.") from None
