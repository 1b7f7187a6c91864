"""Contacts, consents and reminders on the patient's page; how the clinic is reached."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Clinic
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services import delivering, reminding
from itbclinic.templatetags.itb import dialled
from patients import services as patients
from patients.models import Caregiver, ConsentWithdrawal, ContactConsent
from patients.services import CaregiverEntry
from pumps.models import Pump
from refills import services as refills
from reminders.models import OutboxMessage
from tests import factories
from tests.integration.pages.conftest import SignedIn, queries, text, user_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic, now: datetime) -> Pump:
    Clinic.objects.filter(pk=clinic.pk).update(
        phone_day="801-555-0100", quiet_from="00:00", quiet_until="00:00"
    )
    clinic.refresh_from_db()
    return factories.due_in(clinic, 30, now)


def person(pump: Pump) -> Caregiver:
    return Caregiver.objects.get(patient=pump.patient)


def post(client: Client, name: str, pump: Pump, *args: Any, **values: str) -> Any:
    return client.post(reverse(name, args=[pump.patient.uuid, *args]), values)


def change(client: Client, pump: Pump, **values: str) -> Any:
    typed = {"relationship": "Mother", "phone": "801-555-0101", **values}
    return post(client, "contact_change", pump, person(pump).uuid, **typed)


def agree(client: Client, pump: Pump) -> Any:
    values = {"agreed": "Signed form of 20-Nov-2026"}
    return post(client, "contact_consent", pump, person(pump).uuid, **values)


def book(pump: Pump, client: Client, now: datetime) -> None:
    refills.book(pump=pump, starts_at=now + timedelta(days=2), by=user_of(client), now=now)
    reminding.plan_for([pump.pk], now=timezone.now())


def open_kinds() -> set[str]:
    return set(WorkItem.objects.filter(settled_at=None).values_list("kind", flat=True))


def test_from_an_address_to_a_consent_to_a_message_to_its_withdrawal(
    pump: Pump, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("staff")
    book(pump, client, now)
    assert "call_family" in open_kinds()
    assert change(client, pump, email="mother@family.example").status_code == 302
    assert agree(client, pump).status_code == 302
    assert ContactConsent.objects.get().agreed == "Signed form of 20-Nov-2026"
    assert "call_family" not in open_kinds()
    page = text(client.get(reverse("patient", args=[pump.patient.uuid])))
    assert "Signed form of" in page
    assert "Before the appointment" in page
    assert "Family: Mother" in page
    assert delivering.deliver(clock=timezone.now).sent == 1
    assert mail.outbox[0].to == ["mother@family.example"]
    assert "Family told " in text(client.get("/?tab=all"))
    assert post(client, "contact_withdraw", pump, person(pump).uuid).status_code == 302
    assert "call_family" in open_kinds()


def test_another_address_asks_anew(pump: Pump, as_role: SignedIn, now: datetime) -> None:
    client = as_role("nurse")
    change(client, pump, email="mother@family.example")
    agree(client, pump)
    book(pump, client, now)
    assert OutboxMessage.objects.filter(template="call_us", state="pending").exists()
    change(client, pump, email="mother@family.example", phone="801-555-0199")
    assert not ConsentWithdrawal.objects.exists(), "the phone is another, the address is not"
    change(client, pump, email="someone@else.example")
    assert ConsentWithdrawal.objects.count() == ContactConsent.objects.count() == 1
    assert not OutboxMessage.objects.filter(template="call_us", state="pending").exists()
    assert delivering.deliver(clock=timezone.now).sent == 0
    assert "call_family" in open_kinds()
    page = text(client.get(reverse("patient", args=[pump.patient.uuid])))
    assert "No consent to e-mail: nothing is sent" in page


def remove(client: Client, pump: Pump, who: Caregiver, reason: str) -> Any:
    return post(client, "contact_remove", pump, who.uuid, remove_reason=reason)


def test_who_is_removed_is_not_called_or_written_to_and_stays_in_the_history(
    pump: Pump, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    mother = person(pump)
    change(client, pump, email="mother@family.example")
    agree(client, pump)
    book(pump, client, now)
    [letter] = OutboxMessage.objects.filter(template="call_us", state="pending")
    refused = remove(client, pump, mother, " ")
    assert refused.status_code == 422
    assert ContactConsent.objects.filter(withdrawal__isnull=True).exists()
    assert remove(client, pump, mother, "Moved away").status_code == 302
    letter.refresh_from_db()
    assert letter.state == "superseded"
    assert delivering.deliver(clock=timezone.now).sent == 0
    assert ConsentWithdrawal.objects.count() == 1
    assert "call_family" in open_kinds()
    page = text(client.get(reverse("patient", args=[pump.patient.uuid])))
    assert "801-555-0101" not in page
    assert "Nobody is recorded" in page
    assert "Family: Mother" in page, "the letter that was owed says whose it was"
    event = AuditEvent.objects.get(event="caregiver.removed")
    assert event.after == {"caregiver": str(mother.uuid), "changed": []}
    # A form that was open elsewhere finds nobody, and the services refuse.
    assert remove(client, pump, mother, "Again").status_code == 404
    for act, code in (
        (lambda: patients.record_consent(caregiver=mother, channel=ContactConsent.Channel.EMAIL,
            by=user_of(client), now=now), "removed"),
        (lambda: patients.change_caregiver(caregiver=mother, entry=CaregiverEntry(name="Ana"),
            by=user_of(client), now=now), "removed"),
        (lambda: patients.remove_caregiver(caregiver=mother, reason="Again",
            by=user_of(client), now=now), "already_removed"),
    ):  # fmt: skip
        with pytest.raises(RuleViolation) as raised:
            act()
        assert raised.value.problems[0].code == code


def test_the_database_wants_who_removed_somebody_and_why(pump: Pump, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="caregiver_is_removed_by_somebody"):
        Caregiver.everyone.filter(patient=pump.patient).update(removed_at=now)


def test_a_refused_form_keeps_what_was_typed(pump: Pump, as_role: SignedIn) -> None:
    client = as_role("nurse")
    refused = change(client, pump, email="not an address", full_name="Ana")
    assert refused.status_code == 422
    assert "not an address" in text(refused)
    assert post(client, "contact_add", pump).status_code == 422
    assert Caregiver.objects.count() == 1
    without_address = agree(client, pump)
    assert without_address.status_code == 422
    added = post(
        client, "contact_add", pump, full_name="Uncle Ben", phone="555-0104, ask for ext. 4"
    )
    assert added.status_code == 302
    assert Caregiver.objects.latest("id").phone == "555-0104, ask for ext. 4"


@pytest.mark.parametrize("phone", ["abc", "12", "555-010"])
def test_a_phone_that_nobody_can_call_is_refused_at_its_field(
    pump: Pump, as_role: SignedIn, phone: str
) -> None:
    client = as_role("nurse")
    for refused in (
        change(client, pump, phone=phone),
        post(client, "contact_add", pump, full_name="Uncle Ben", phone=phone),
    ):
        assert refused.status_code == 422
        assert "This is not a phone number." in text(refused)
        assert f'value="{phone}"' in text(refused)
    assert person(pump).phone == "801-555-0101"
    admin = as_role("admin")
    for name in ("phone_day", "phone_night"):
        answer = contact(admin, **{name: phone})
        assert answer.status_code == 422
        assert list(answer.context["contact_form"].errors) == [name]
    pump.clinic.refresh_from_db()
    assert (pump.clinic.phone_day, pump.clinic.phone_night) == ("801-555-0100", "")
    assert contact(admin, phone_night="801-555-0142 (8 a.m. to 5 p.m.)").status_code == 302


def test_what_was_saved_before_and_is_no_number_is_not_offered_to_call(
    pump: Pump, as_role: SignedIn
) -> None:
    address = reverse("patient", args=[pump.patient.uuid])
    client = as_role("nurse")
    assert "tel:8015550101" in text(client.get(address))
    Caregiver.objects.filter(patient=pump.patient).update(phone="12")
    page = text(client.get(address))
    assert "tel:" not in page
    assert "“12” is not a phone number" in page


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("801-555-0142 (8 a.m. to 5 p.m.)", "8015550142"),
        ("(801) 555-0142, weekdays from 9", "8015550142"),
        ("+1 801.555.0142 ext. 33", "+18015550142"),
        ("8015550142,,33", "8015550142,,33"),
        ("from 9: 801-555-0142", "8015550142"),
        ("home 801 - then 555-0142", "5550142"),
        ("abc", ""),
        ("12", ""),
    ],
)
def test_the_number_is_dialled_without_the_words_beside_it(typed: str, number: str) -> None:
    assert dialled(typed) == number


def test_only_who_keeps_contacts(
    pump: Pump, as_role: SignedIn, other_clinic: Clinic, now: datetime
) -> None:
    assert change(as_role("pharmacist"), pump, email="a@b.example").status_code == 403
    assert change(as_role("nurse", other_clinic), pump, email="a@b.example").status_code == 404
    other = factories.due_in(pump.clinic, 30, now)
    wrong = post(as_role("nurse"), "contact_change", pump, person(other).uuid, phone="1")
    assert wrong.status_code == 404, "another patient's caregiver"
    assert person(pump).email == ""
    page = text(as_role("pharmacist").get(reverse("patient", args=[pump.patient.uuid])))
    assert "Add somebody to call" not in page


def test_audit_says_which_fields_and_no_values(pump: Pump, as_role: SignedIn) -> None:
    change(as_role("nurse"), pump, email="mother@family.example")
    event = AuditEvent.objects.get(event="caregiver.changed")
    assert event.after is not None
    assert event.after["changed"] == ["email"]
    assert "mother@family.example" not in str(event.after)


def test_as_many_queries_for_three_people(pump: Pump, as_role: SignedIn) -> None:
    client = as_role("nurse")
    address = reverse("patient", args=[pump.patient.uuid])
    client.get(address)
    one = queries(client, address)
    for number in range(2):
        post(client, "contact_add", pump, full_name=f"N{number}", email=f"n{number}@x.example")
    client.get(address)  # the message that it was saved
    assert queries(client, address) == one


# --- the clinic ---


def contact(client: Client, **typed: str) -> Any:
    form = client.get("/clinic/wasatch/").context["contact_form"]
    values = {name: form[name].value() for name in form.fields}
    return client.post("/clinic/wasatch/contact/", {**values, **typed})


def test_how_families_reach_the_clinic(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("admin")
    typed = {"phone_day": "801-555-0100", "visit_place": "Clinic B, 2nd floor",
             "quiet_from": "21:00"}  # fmt: skip
    assert contact(client, **typed).status_code == 302
    clinic.refresh_from_db()
    assert (clinic.phone_day, clinic.visit_place) == ("801-555-0100", "Clinic B, 2nd floor")
    assert clinic.quiet_from.isoformat("minutes") == "21:00"
    assert contact(client, reply_email="nowhere").status_code == 422
    stale = contact(client, seen="0" * 32, phone_day="801-555-0109")
    assert stale.status_code == 422
    assert "801-555-0109" in text(stale)
    clinic.refresh_from_db()
    assert clinic.phone_day == "801-555-0100"


def test_without_a_number_to_call_the_family_is_called(
    pump: Pump, clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    change(client, pump, email="mother@family.example")
    agree(client, pump)
    book(pump, client, now)
    assert "call_family" not in open_kinds()
    assert contact(as_role("admin"), phone_day="").status_code == 302
    assert "call_family" in open_kinds()
    assert not OutboxMessage.objects.filter(template="call_us", state="pending").exists()


def test_an_administrator_sets_where_a_nurse_is_reminded(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    nurse = factories.user("reminded", clinic, "nurse")
    client = as_role("admin")
    address = reverse("clinic_change_email", args=[clinic.slug, nurse.uuid])
    assert "Cannot be reminded" in text(client.get("/clinic/wasatch/"))
    refused = client.post(address, {"email": "nowhere"})
    assert refused.status_code == 422
    assert "nowhere" in text(refused)
    assert client.post(address, {"email": "nurse@clinic.example"}).status_code == 302
    assert "Cannot be reminded" not in text(client.get("/clinic/wasatch/"))
    factories.due_in(clinic, 15, now)
    assert delivering.deliver(clock=timezone.now).sent == 1
    assert mail.outbox[0].to == ["nurse@clinic.example"]
    stranger = factories.user("stranger", other_clinic, "nurse")
    foreign = reverse("clinic_change_email", args=[clinic.slug, stranger.uuid])
    assert client.post(foreign, {"email": "a@b.example"}).status_code == 404
