"""Audit events in words, and their values before and after as a small table."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import AuditEvent, Clinic
from accounts.selectors import names_of_accounts
from dosing.selectors import names_of_products
from itbclinic.pages.shared import figures
from itbclinic.pages.shared.desk import desks
from pumps.selectors import names_of_models, patients_of_subjects
from rosters.selectors import lines_of_rows

# Values that are always a code, beside those that a desk has words for: one without words of its
# own is read as it is written.
CODES: Final = frozenset({"codes", "reason", "channel", "template", "format"})
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


@lru_cache(maxsize=1)
def events() -> dict[str, str]:
    """Every event in words, from the desks."""
    return {event: said for desk in desks().values() for event, said in desk.events.items()}


@lru_cache(maxsize=1)
def subjects() -> dict[str, str]:
    """What events are about, in words."""
    return {kind: said for desk in desks().values() for kind, said in desk.subjects.items()}


@lru_cache(maxsize=1)
def _values() -> dict[str, dict[str, str]]:
    """Stored codes in words, by the value's name."""
    found: dict[str, dict[str, str]] = {"about": subjects()}
    for desk in desks().values():
        for name, said in desk.values.items():
            found.setdefault(name, {}).update(said)
    return found


def words_of(event: str) -> str:
    """`Settled a doubtful date`; an event without words keeps its name."""
    return events().get(event, event)


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
        kind=subjects().get(event.subject_type, event.subject_type),
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
    if (last in CODES or last in _values()) and values[name]:
        listed = values[name] if isinstance(values[name], list) else [values[name]]
        return ", ".join(in_words(last, item) or figures.shown(name, item, zone) for item in listed)
    return figures.shown(name, values[name], zone)


def in_words(name: str, value: object) -> str:
    """A stored code as people say it: `Duplicate MRN`; empty where it is no code."""
    text = str(value)
    if text in _values().get(name, {}):
        return _values()[name][text]
    if not _CODE.fullmatch(text):
        return ""
    said = re.sub(r"\bmrn\b", "MRN", text.replace("_", " "))
    return said[:1].upper() + said[1:]
