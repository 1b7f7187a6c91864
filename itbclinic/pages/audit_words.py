"""Audit events in words, and their values before and after as a small table."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import AuditEvent, Clinic, Role
from accounts.selectors import names_of_accounts
from alarms.models import WorkItem
from alarms.presenters.work import MILESTONES, STATES
from dosing.selectors import names_of_products
from pumps.selectors import names_of_models, patients_of_subjects
from visits.models import ImportRow
from visits.selectors.imports import lines_of_rows

from . import board_query, figures

EVENTS: Final = {
    "patient.read": "Opened a patient's page",
    "board.read": "Opened the refill list",
    "board.exported": "Exported the refill list",
    "list.read": "Read the refill list over REST",
    "imports.read": "Opened the refused rows",
    "imports.exported": "Exported refused rows",
    "audit.read": "Opened the audit log",
    "audit.exported": "Exported the audit log",
    "patient.registered": "Registered a patient",
    "patient.corrected": "Corrected who a patient is",
    "pump.implanted": "Recorded an implant",
    "pump.interrogated": "Recorded what the programmer showed",
    "pump.interrogation_withdrawn": "Took back what the programmer showed",
    "visit.read": "Opened a visit's page",
    "visit.recorded": "Recorded a visit",
    "visit.withdrawn": "Took back a visit",
    "summaries.read": "Opened the paper to print",
    "summary.read": "Opened an after-visit summary",
    "summary.printed": "Printed an after-visit summary",
    "summary.tried_again": "Tried again to make a summary",
    "summary.renewed": "Made a new version of a summary",
    "pump.explanted": "Recorded that a pump was taken out",
    "pump.explant_withdrawn": "Took back that a pump was taken out",
    "pump.excluded": "Left a pump off the list",
    "pump.exclusion_ended": "Put a pump back on the list",
    "date.settled": "Settled a doubtful date",
    "fill.recorded": "Recorded a refill",
    "fill.corrected": "Corrected a refill",
    "program.recorded": "Recorded a program",
    "program.corrected": "Corrected a program",
    "bolus.recorded": "Recorded a bolus",
    "bolus.withdrawn": "Took a bolus back",
    "appointment.booked": "Booked an appointment",
    "upload.received": "Uploaded a spreadsheet",
    "upload.read": "Opened an uploaded spreadsheet",
    "upload.checked": "Checked a spreadsheet",
    "upload.check_again": "Had a spreadsheet checked again",
    "upload.import_started": "Started the import of a spreadsheet",
    "upload.imported": "Came to the end of a spreadsheet's import",
    "upload.discarded": "Discarded a spreadsheet",
    "upload.failed": "Stopped at a spreadsheet",
    "upload.unreadable": "Could not read a spreadsheet",
    "upload.exported": "Exported the refused rows of a spreadsheet",
    "appointment.rebooked": "Moved an appointment",
    "appointment.cancelled": "Cancelled an appointment",
    "appointment.arrived": "Marked a patient as arrived",
    "appointment.no_show": "Marked a no-show",
    "appointment.outcome_taken_back": "Took back what was marked for an appointment",
    "appointments.read": "Opened the appointments",
    "roster.imported": "Imported a spreadsheet",
    "roster.row_imported": "Imported a row",
    "roster.row_refused": "Refused a row",
    "roster.row_settled": "Settled a refused row by a later one",
    "roster.row_dismissed": "Dismissed a refused row",
    "roster.row_opened_again": "Read a row that was dismissed before: it is open again",
    "catalogue.pump_model_saved": "Saved a pump model",
    "catalogue.pump_models_seeded": "Seeded the pump models",
    "catalogue.drug_saved": "Saved a drug",
    "catalogue.drugs_seeded": "Seeded the drugs",
    "clinic.created": "Made a clinic",
    "clinic.changed": "Changed the clinic's settings",
    "user.created": "Made an account",
    "user.password_given": "Gave a person a new password",
    "user.password_changed": "Chose a new password",
    "user.signed_in": "Signed in",
    "user.signed_out": "Signed out",
    "user.sign_in_failed": "Gave a wrong password for a person",
    "user.sign_in_held_off": "Held off somebody after too many wrong passwords",
    "user.role_granted": "Gave a role",
    "user.role_removed": "Took a role away",
    "work.read": "Opened the work list",
    "work_item.opened": "Opened a work item",
    "work_item.brought_forward": "Gave a work item less time: its pump is in more danger",
    "work_item.escalated": "Passed on a work item that nobody settled in time",
    "work_item.settled": "Settled a work item or put it off",
    "work_item.put_off_ended": "Ended a put-off: its cause is gone",
    "consent.recorded": "Recorded a family's consent to e-mail",
    "consent.withdrawn": "Recorded that a consent was withdrawn",
    "caregiver.added": "Added somebody to call",
    "caregiver.changed": "Changed somebody to call",
    "caregiver.removed": "Removed somebody to call",
    "reminder.sent": "Sent a reminder",
    "reminder.dead": "Could not deliver a reminder",
    "reminder.superseded": "Took back a reminder that was not needed any more",
    "reminder.suppressed": "Held back a reminder",
    "user.email_changed": "Changed a person's e-mail address",
    "api_client.created": "Made an API client",
    "api_client.revoked": "Revoked an API client",
}
SUBJECTS: Final = {
    "patient": "Patient",
    "pump": "Pump",
    "clinic": "Clinic",
    "user": "Person",
    "api_client": "API client",
    "pump_model": "Pump model",
    "drug_product": "Drug",
    "work_item": "Work item",
    "reminder": "Reminder",
    "import_row": "Row of a sheet",
    "import_run": "Import",
    "roster_upload": "Spreadsheet",
    "summary": "After-visit summary",
}
# Stored codes in the words that the pages use for them, by the value's name.
VALUES: Final[dict[str, dict[str, str]]] = {
    "owner_role": {str(value): str(label) for value, label in Role.choices},
    "kind": {
        **{str(value): str(label) for value, label in WorkItem.Kind.choices},
        "refill": "About a refill",
        "appointment": "About an appointment",
    },
    "tab": {
        **{tab.key: tab.label for tab in board_query.TABS},
        "mine": "Mine",
        "settled": "Settled lately",
    },
    "milestone": MILESTONES,
    "outcome": {str(value): str(label) for value, label in ImportRow.Outcome.choices},
    "state": {
        **STATES,
        "open": "To settle",
        "settled": "Followed by a later row",
        "dismissed": "Dismissed",
    },
    "about": SUBJECTS,
}
# Values that are always a code: one without words of its own is read as they are written.
CODES: Final = frozenset({*VALUES, "codes", "reason", "channel", "template", "format"})
_CODE: Final = re.compile(r"[a-z]+(_[a-z0-9]+)*")
MOST_LINES: Final = 6
_KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Line:
    """One value before and after."""

    label: str
    before: str
    after: str

    @property
    def says_something(self) -> bool:
        values = {self.before, self.after} - {"", figures.NOTHING}
        return bool(values) and not all(_KEY.fullmatch(value) for value in values)


@dataclass(frozen=True, slots=True)
class Shown:
    """One event as a row of the page and of the export."""

    event: AuditEvent
    clinic: Clinic
    what: str
    kind: str
    subject: str
    url: str
    lines: list[Line]
    changed: bool
    unchanged: int
    person_uuid: str

    @property
    def readable(self) -> list[Line]:
        """The values without keys of other records, which say nothing to a person, and without
        what was never filled in."""
        return [line for line in self.lines if line.says_something]

    @property
    def long(self) -> bool:
        return len(self.readable) > MOST_LINES


def words_of(event: str) -> str:
    """`Settled a doubtful date`; an event without words keeps its name."""
    return EVENTS.get(event, event)


def present(
    events: Collection[AuditEvent],
    clinics: Collection[Clinic],
    people: dict[int, str],
    charts: Collection[int],
) -> list[Shown]:
    """The events with names in place of keys, in a fixed number of queries.

    Args:
        people: the uuid of each account that may have acted, by its key.
        charts: the clinics in which the reader may see patients by name.
    """
    by_key = {clinic.pk: clinic for clinic in clinics}
    names, urls = _names(events, charts)
    return [_present(event, by_key[event.clinic_id or 0], names, urls, people) for event in events]


def _names(
    events: Collection[AuditEvent], charts: Collection[int]
) -> tuple[dict[str, str], dict[str, str]]:
    uuids: dict[str, set[UUID]] = {}
    for event in events:
        try:
            uuids.setdefault(event.subject_type, set()).add(UUID(event.subject_id))
        except ValueError:
            continue
    names, urls = {}, {}
    people = {*uuids.get("patient", set()), *uuids.get("pump", set())}
    for uuid, patient in patients_of_subjects(charts, people).items():
        names[uuid] = patient.display_name
        urls[uuid] = reverse("patient", args=[patient.uuid])
    accounts = {key for kind in ("user", "clinic", "api_client") for key in uuids.get(kind, set())}
    names |= names_of_accounts(accounts)
    names |= names_of_models(uuids.get("pump_model", set()))
    names |= names_of_products(uuids.get("drug_product", set()))
    names |= lines_of_rows(uuids.get("import_row", set()))
    return names, urls


def _present(
    event: AuditEvent,
    clinic: Clinic,
    names: dict[str, str],
    urls: dict[str, str],
    people: dict[int, str],
) -> Shown:
    lines, unchanged = lines_of(event, clinic.zone)
    return Shown(
        event=event,
        clinic=clinic,
        what=words_of(event.event),
        kind=SUBJECTS.get(event.subject_type, event.subject_type),
        subject=names.get(event.subject_id, ""),
        url=urls.get(event.subject_id, ""),
        lines=lines,
        changed=event.before is not None,
        unchanged=unchanged,
        person_uuid=people.get(event.actor_id or 0, ""),
    )


def lines_of(event: AuditEvent, zone: ZoneInfo) -> tuple[list[Line], int]:
    """What changed, line by line, and how many values did not; all values where none was there."""
    before, after = figures.flat(event.before), figures.flat(event.after)
    names = dict.fromkeys([*before, *after])
    if event.before is not None and event.after is not None:
        changed = [n for n in names if _shown(n, before, zone) != _shown(n, after, zone)]
    else:
        changed = list(names)
    lines = [
        Line(figures.label(name), _shown(name, before, zone), _shown(name, after, zone))
        for name in changed
    ]
    return lines, len(names) - len(changed)


def _shown(name: str, values: Mapping[str, Any], zone: ZoneInfo) -> str:
    if name not in values:
        return ""
    if name == "event":
        return words_of(str(values[name]))
    last = name.rpartition(".")[2]
    if last in CODES and values[name]:
        listed = values[name] if isinstance(values[name], list) else [values[name]]
        return ", ".join(in_words(last, item) or figures.shown(name, item, zone) for item in listed)
    return figures.shown(name, values[name], zone)


def in_words(name: str, value: object) -> str:
    """A stored code as people say it: `Duplicate MRN`; empty where it is no code."""
    text = str(value)
    if text in VALUES.get(name, {}):
        return VALUES[name][text]
    if not _CODE.fullmatch(text):
        return ""
    said = re.sub(r"\bmrn\b", "MRN", text.replace("_", " "))
    return said[:1].upper() + said[1:]
