"""Work items pass only to roles that somebody of the clinic has."""

from datetime import datetime, timedelta

import pytest

from accounts import services as accounts
from accounts.models import Clinic, Role, User
from followup.models import WorkItem
from followup.selectors import work
from followup.services import work_items
from tests import factories

pytestmark = pytest.mark.django_db
Kind = WorkItem.Kind


def opened(clinic: Clinic, kind: Kind, now: datetime) -> WorkItem:
    today = now.astimezone(clinic.zone).date()
    wanted = work_items.Wanted(clinic_id=clinic.pk, kind=kind, subject="x", today=today)
    assert work_items.open_work_item(wanted=wanted, now=now)
    return WorkItem.objects.get(clinic=clinic, subject="x")


def owners(item: WorkItem, now: datetime, days: int = 4) -> list[str]:
    """Whose it is on each day that nobody does it."""
    found = [item.owner_role]
    for day in range(1, days):
        work_items.escalate_overdue(now=now + timedelta(days=day, hours=day))
        item.refresh_from_db()
        found.append(item.owner_role)
    return found


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (("staff", "nurse", "doctor"), ["staff", "nurse", "doctor", "doctor"]),
        (("staff", "doctor"), ["staff", "doctor", "doctor", "doctor"]),
        (("staff", "nurse"), ["staff", "nurse", "nurse", "nurse"]),
        (("nurse", "admin"), ["nurse", "nurse", "nurse", "nurse"]),
        (("doctor",), ["doctor", "doctor", "doctor", "doctor"]),
        (("staff",), ["staff", "staff", "staff", "staff"]),
        (("admin", "pharmacist"), ["admin", "admin", "admin", "admin"]),
    ],
)
def test_a_role_that_nobody_has_is_passed_over(
    clinic: Clinic, other_clinic: Clinic, now: datetime, there: tuple[str, ...], expected: list[str]
) -> None:
    for role in there:
        factories.user(f"{role}-1", clinic, role)
    for role in ("staff", "nurse", "doctor"):
        factories.user(f"{role}-elsewhere", other_clinic, role)
        factories.user(f"{role}-left", clinic, role)
    User.objects.filter(username__endswith="-left").update(is_active=False)
    assert owners(opened(clinic, Kind.CALL_FAMILY, now), now) == expected


def test_a_nurses_item_goes_to_staff_where_nobody_else_is(clinic: Clinic, now: datetime) -> None:
    factories.user("staff-1", clinic, "staff")
    assert owners(opened(clinic, Kind.UNBOOKED, now), now, 2) == ["staff", "staff"]


def test_without_a_doctor_it_stays_in_the_nurses_count(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    factories.due_in(clinic, 6, now)
    before = work.count_open(nurse)
    assert before > 0
    work_items.escalate_overdue(now=now + timedelta(days=2))
    assert WorkItem.objects.filter(escalated_at__isnull=False).exists()
    assert work.count_open(nurse) == before


def test_the_first_who_comes_gets_what_the_administrator_has(clinic: Clinic, now: datetime) -> None:
    item = opened(clinic, Kind.CALL_FAMILY, now)
    assert item.owner_role == "admin"
    assert work_items.escalate_overdue(now=now + timedelta(minutes=1)) == 0
    accounts.grant_role(
        user=factories.user("new-nurse"), clinic=clinic, role=Role.NURSE,
        by=accounts.system_user("system-import"), at=now,
    )  # fmt: skip
    assert work_items.escalate_overdue(now=now + timedelta(minutes=2)) == 1
    item.refresh_from_db()
    assert item.owner_role == "nurse"
