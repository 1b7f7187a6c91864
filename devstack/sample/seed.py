"""The demo's two clinics, its users of each role, and its API token."""

import csv
import io
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts import services as accounts
from accounts.models import Clinic, Role, Scope, User
from accounts.services import clients
from dosing.services import seed_drug_products
from pumps.services import seed_pump_models
from rosters.services.importing import import_roster

from . import paper
from .pumps import Maker

PEOPLE = (
    ("nurse", Role.NURSE, "Rowan", "Alder"),
    ("doctor", Role.DOCTOR, "Dana", "Reyes"),
    ("staff", Role.STAFF, "Sam", "Lund"),
    ("pharmacist", Role.PHARMACIST, "Pat", "Novak"),
    ("auditor", Role.AUDITOR, "Aud", "Moreau"),
    ("admin", Role.ADMIN, "Ari", "Park"),
)
FIRST = ("wasatch", "Wasatch Rehab Clinic", "America/Denver", 1.0, 710_000)
SECOND = ("harbor", "Harbor Children's Rehab", "America/New_York", 0.32, 820_000)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the demo's users sign in with; made once for each demo, never in the code."""

    password: str
    api_token: str


def exists() -> bool:
    """Whether the demo was made already."""
    return Clinic.objects.filter(slug=FIRST[0]).exists()


def make(*, secrets: Secrets, now: datetime) -> None:
    """Make the whole demo."""
    by = accounts.system_user("system-import")
    clinics = [_clinic(*entry, by=by, now=now) for entry in (FIRST, SECOND)]
    nurses = _users(clinics, secrets, by, now)
    shares = zip(clinics, nurses, (FIRST, SECOND), strict=True)
    for clinic, nurse, (_, _, _, share, first_mrn) in shares:
        maker = Maker(clinic, nurse, now, random.Random(first_mrn), first_mrn)  # noqa: S311
        for _ in maker.make(share):
            pass
        paper.print_some(clinic=clinic, by=nurse)
    import_roster(
        clinic=clinics[0],
        content=_sheet(now),
        filename_suffix=".csv",
        as_of=now.astimezone(clinics[0].zone).date(),
        by=nurses[0],
        now=now,
    )
    clients.create_api_client(
        name="Demo integration",
        clinics=[clinics[0]],
        scopes=list(Scope),
        by=by,
        at=now,
        token=secrets.api_token,
    )


def _clinic(
    slug: str, name: str, timezone: str, share: float, first_mrn: int, *, by: User, now: datetime
) -> Clinic:
    clinic = accounts.create_clinic(slug=slug, name=name, timezone=timezone, by=by, at=now)
    seed_pump_models(clinic=clinic, by=by, at=now)
    seed_drug_products(clinic=clinic, by=by, at=now)
    return accounts.change_clinic(
        clinic=clinic,
        by=by,
        at=now,
        phone_day="801-555-0142 (8 a.m. to 5 p.m.)",
        phone_night="801-555-0100",
        visit_place="Rehabilitation Clinic, floor 1",
    )


def _users(clinics: Collection[Clinic], secrets: Secrets, by: User, now: datetime) -> list[User]:
    """A user of each role at the first clinic, a nurse at the second; the doctor is at both.

    Returns the two nurses.
    """
    first, second = clinics
    made = {}
    for username, role, given, family in PEOPLE:
        made[username] = _user(username, given, family, secrets, by, now)
        accounts.grant_role(user=made[username], clinic=first, role=role, by=by, at=now)
    accounts.grant_role(user=made["doctor"], clinic=second, role=Role.DOCTOR, by=by, at=now)
    other = _user("harbor-nurse", "Noa", "Costa", secrets, by, now)
    accounts.grant_role(user=other, clinic=second, role=Role.NURSE, by=by, at=now)
    return [made["nurse"], other]


def _user(
    username: str, given: str, family: str, secrets: Secrets, by: User, now: datetime
) -> User:
    return accounts.create_user(
        username=username,
        password=secrets.password,
        given_name=given,
        family_name=family,
        email=f"{username}@example.org",  # whom reminders reach; no letter leaves the machine
        by=by,
        at=now,
    )


def _sheet(now: datetime) -> bytes:
    """A small roster with two rows that cannot be imported, as real ones have."""
    day = (now - timedelta(days=20)).date()
    common: dict[str, Any] = {
        "DOB": "2014-03-09", "Guardian": "Mother", "Guardian Phone": "801-555-0199",
        "Language": "English", "Diagnosis": "Spinal cord injury", "Pump Model": "8637-20",
        "Implanted": "2023-05-02", "Last Refill": day.isoformat(), "Volume (mL)": "20",
        "Concentration": "2,000 mcg/ml", "Daily Dose": "310 mcg/day", "Mode": "Continuous",
        "Low Alarm (mL)": "2",
    }  # fmt: skip
    rows = [
        {"MRN": "719001", "Last Name": "Tsosie", "First Name": "Caleb",
         "Pump Serial": "NPX0719001H", "Notes": "Prefers morning visits"},
        {"MRN": "719002", "Last Name": "Rossi", "First Name": "Ivy",
         "Pump Serial": "NPX0719002H", "Daily Dose": "350000"},
        {"MRN": "719003", "Last Name": "Ito", "First Name": "Kofi",
         "Pump Serial": "NPX0719003H", "Last Refill": f"{day.month}/{day.day}/{day:%y}"},
    ]  # fmt: skip
    headings = (
        "MRN", "Last Name", "First Name", "DOB", "Guardian", "Guardian Phone", "Email",
        "Language", "Diagnosis", "Pump Model", "Pump Serial", "Implanted", "Last Refill",
        "Volume (mL)", "Concentration", "Daily Dose", "Mode", "Schedule", "Low Alarm (mL)",
        "Alarm Date", "Next Appt", "Notes",
    )  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, headings)
    writer.writeheader()
    writer.writerows({**common, **row} for row in rows)
    return out.getvalue().encode()
