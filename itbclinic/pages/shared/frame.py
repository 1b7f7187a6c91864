"""What every page's frame needs: where the user may go, whose data it is, and whether it is old."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import Clinic, Role, User
from accounts.policies import Action, clinic_ids, roles_of
from accounts.selectors import clinics_for
from core import words
from followup.models import ScanRun
from followup.selectors import scans

from .desk import desks, folder_of


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation; `current` is `page`, `true` (a page under it) or empty."""

    label: str
    url: str
    current: str
    count: int = 0  # what waits for the user there


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame around every page of somebody who is signed in."""

    entries: list[Place] = field(default_factory=list)
    clinics: list[Clinic] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    sweep: ScanRun | None = None
    blind: str = ""
    unplanned: str = ""


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`frame`, made once for a request; empty for a visitor."""
    return {"frame": frame_of(request)}


def frame_of(request: HttpRequest) -> Frame:
    """The frame of this request; a view that needs its clinics reads them no second time."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return Frame()
    found: Frame | None = getattr(request, "_itb_frame", None)
    if found is None:
        found = _frame(request, user)
        request._itb_frame = found  # type: ignore[attr-defined]
    return found


def _frame(request: HttpRequest, user: User) -> Frame:
    clinics = list(clinics_for(user, Action.READ_LIST))
    sweep = scans.last_complete_sweep()
    return Frame(
        entries=entries(request, user),
        clinics=clinics,
        roles=sorted({Role(role).label for role in roles_of(user).values()}),
        sweep=sweep,
        blind=_blind(sweep, clinics),
        unplanned=_unplanned(scans.last_complete_due_scan(), clinics) or _undelivered(clinics),
    )


def entries(request: HttpRequest, user: User) -> list[Place]:
    """The pages that the user may open; the place of the page at hand is marked."""
    match = request.resolver_match
    folder = folder_of(match.func) if match else ""
    under = desks()[folder].under if folder in desks() else ""
    found = []
    for name, desk in desks().items():
        entry = desk.entry
        if entry is None or not clinic_ids(user, entry.action):
            continue
        here = match is not None and match.url_name == entry.page
        current = "page" if here else "true" if name in (folder, under) else ""
        waiting = entry.waiting(user) if entry.waiting else 0
        found.append(Place(entry.label, address_of(entry.page), current, waiting))
    return found


def address_of(name: str, *keys: object) -> str:
    """The address of a page, or empty where there is no such page yet."""
    try:
        return reverse(name, args=keys)
    except NoReverseMatch:
        return ""


def _blind(run: ScanRun | None, clinics: list[Clinic]) -> str:
    """The sentence for the red banner when the dates were not checked lately."""
    if not scans.is_stale(run, timezone.now()):
        return ""
    if run is None or run.finished_at is None:
        return "the dates of all pumps have never been fully checked."
    return f"the last full check ended {_ended(run.finished_at, clinics)}."


def _unplanned(run: ScanRun | None, clinics: list[Clinic]) -> str:
    """The sentence for the red banner when nobody looked lately for what became due, or when that
    failed for some of the clinics' pumps."""
    if not scans.is_due_scan_stale(run, timezone.now()):
        failed = scans.not_planned(run, [clinic.pk for clinic in clinics])
        pumps = ", ".join(pump.serial_number for pump in failed)
        return f"what is due could not be worked out for pump {pumps}." if failed else ""
    if run is None or run.finished_at is None:
        return "the system has never looked for what became due."
    return f"the system last looked for what became due {_ended(run.finished_at, clinics)}."


def _undelivered(clinics: list[Clinic]) -> str:
    """The sentence when nobody tried lately to send what waits."""
    run = scans.last_delivery()
    if not scans.is_delivery_stale(run, timezone.now()):
        return ""
    if run is None or run.finished_at is None:
        return "the system has never looked for messages to send."
    return f"the system last looked for messages to send {_ended(run.finished_at, clinics)}."


def _ended(at: datetime, clinics: list[Clinic]) -> str:
    zone = clinics[0].zone if clinics else timezone.get_default_timezone()
    return words.instant(at, zone)
