"""Who is found: the database folds names as the core folds what was typed."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField, Value
from django.test.utils import CaptureQueriesContext

from accounts.models import Clinic
from alarms.selectors import worklist
from patients.domain.search import fold
from patients.models import Patient
from patients.selectors.search import Folded
from patients.services import CaregiverEntry
from tests import factories

pytestmark = pytest.mark.django_db
NAMES = (
    "Zoë", "NGUYỄN", "Nguye\u0302\u0303n", "O'Neil", "O’NEIL", "Sørensen", "SØREN", "Đặng", "đỗ",
    "Łukasz", "STRAẞE", "Weiß", "Irmak İpek", "Yıldız", "Æsa Þórsdóttir", "Guðrún", "Œuvray",
    "Jean\u2011Luc", "François", "Ångström", "Dvořák", "Иванов", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "ÑANDÚ", "Ħal",
    "Ŧor", "ﬁona", "Ⅳ", "李小龍", "Tekin–Kaya", "Ana  María", "DʼArcy", "`Ali´", "ſmith",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_both_fold_a_name_alike(clinic: Clinic, name: str) -> None:
    given: Any = Value(name, output_field=CharField())
    factories.patient(clinic)
    [folded] = Patient.objects.annotate(folded=Folded(given)).values_list("folded", flat=True)
    assert folded == fold(name)
    assert folded != name or name == "李小龍", "a database without any fold would pass as well"


def found(clinic: Clinic, now: datetime, typed: str) -> list[str]:
    filters = worklist.Filters(everything=True, search=typed)
    rows = worklist.page(worklist.listed_pumps([clinic.pk], now), filters, size=20)
    listed = worklist.count([clinic.pk], filters, now).listed
    assert listed == len(rows), "the count and the list disagree"
    return sorted(row.patient.family_name for row in rows)


@pytest.fixture
def roster(clinic: Clinic, now: datetime) -> Clinic:
    """Five patients, all of them due at another time."""
    mother = CaregiverEntry(relationship="Mother", phone="(801) 555-0188, after 4 pm")
    father = CaregiverEntry(relationship="Father", phone="801.555.0177")
    for family, given, mrn, people in (
        ("Smith-Jones", "Leila", "710041", [mother]),
        ("Young", "Zoë", "710042", [father]),
        ("Nguyễn", "Ruth", "710043", []),
        ("O’Neil", "Ivy", "MRN-0017", []),
        ("Smith", "Leo", "8015550188", []),
    ):
        factories.due_in(
            clinic, 30, now, family_name=family, given_name=given, mrn=mrn, caregivers=people
        )
    return clinic


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("SMITH-JONES, Leila", ["Smith-Jones"]),
        ("leila smith", ["Smith-Jones"]),
        ("smith", ["Smith", "Smith-Jones"]),
        ("zoe", ["Young"]),
        ("ZOË", ["Young"]),
        ("nguyen", ["Nguyễn"]),
        ("o'neil", ["O’Neil"]),
        ("oneil ivy", ["O’Neil"]),
        ("MRN 710041", ["Smith-Jones"]),
        ("mrn-0017", ["O’Neil"]),
        ("801-555-0177", ["Young"]),
        ("+1 (801) 555 0177", ["Young"]),
        ("5550177", ["Young"]),
        ("8015550188", ["Smith", "Smith-Jones"]),  # a phone number, and somebody's MRN
        ("smith 555-0188", ["Smith-Jones"]),
        ("young 555-0188", []),
        ("555017", []),  # too short for a phone number
        ("%", []),
        ("710041 710042", []),
    ],
)
def test_who_is_found(roster: Clinic, now: datetime, typed: str, wanted: list[str]) -> None:
    assert found(roster, now, typed) == wanted


def test_the_phone_of_somebody_who_was_removed_finds_nobody(roster: Clinic, now: datetime) -> None:
    person = Patient.objects.get(family_name="Young").caregivers.get()
    assert found(roster, now, person.phone) == ["Young"]
    type(person).objects.filter(pk=person.pk).update(
        removed_at=now, removed_by=factories.user("remover"), remove_reason="Wrong number"
    )
    assert found(roster, now, person.phone) == []


def test_a_search_takes_as_many_queries_as_none(roster: Clinic, now: datetime) -> None:
    def taken(typed: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            filters = worklist.Filters(everything=True, search=typed)
            worklist.page(worklist.listed_pumps([roster.pk], now), filters, size=20)
        return len(captured)

    assert taken("801-555-0177 zoe") == taken("") == taken("nobody at all 555 0177")
