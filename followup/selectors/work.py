"""Reads of work items and of what became of messages, for the clinics that a user may work in."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, DateField, F, IntegerField, Q, QuerySet, Value, When

from accounts.models import Role, User
from accounts.policies import Action, clinic_ids, roles_of
from alarms.models import Projection
from alarms.selectors.worklist import clinic_date
from followup.models import WorkItem
from patients.models import Caregiver
from pumps.models import Pump
from refills.models import Appointment
from reminders.models import OutboxMessage

Kind = WorkItem.Kind
State = OutboxMessage.State
LATELY: Final = timedelta(days=14)
NEAR: Final = timedelta(days=7)  # a pump that may be empty this soon is in danger
MOST: Final = 200  # what one page shows; the page says how many there are
# A message's pumps are spoken of for one refill; what is older says nothing of the next.
SPOKEN: Final = timedelta(days=120)
# Something of ours failed, or nobody can be told: never hidden.
FAILURES: Final = (
    Kind.DELIVERY_FAILED, Kind.CHANNEL_FAILING, Kind.NOBODY_TO_TELL, Kind.SUMMARY_FAILED,
)  # fmt: skip
ABOUT_APPOINTMENTS: Final = (Kind.CALL_FAMILY, Kind.NO_SHOW, Kind.APPOINTMENT_WITHOUT_OUTCOME)


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """How many items each tab has."""

    mine: int = 0
    everybody: int = 0
    settled: int = 0


def of_role(user: User, clinics: Collection[int]) -> Q:
    """The items whose owner is the role that the user has in their clinic."""
    found = Q(pk__in=[])
    for clinic_id, role in roles_of(user).items():
        if clinic_id in clinics:
            found |= Q(clinic=clinic_id, owner_role=role)
    return found


def open_items(
    clinics: Collection[int], now: datetime, mine: User | None = None
) -> QuerySet[WorkItem]:
    """What is open, the most urgent first: whose pump is empty, past its alarm, may be empty; then
    what was passed on already, then by its time.

    Args:
        mine: a user, to see only what the user's role is the owner of.
    """
    rows = WorkItem.objects.filter(clinic__in=clinics, settled_at__isnull=True)
    if mine is not None:
        rows = rows.filter(of_role(mine, clinics))
    related = rows.annotate(today=clinic_date(clinics, now)).select_related("clinic")
    with_people = related.select_related("pump__patient", "pump__projection").prefetch_related(
        "pump__patient__caregivers"
    )
    in_order = with_people.annotate(danger=_danger(), since=_since())
    return in_order.order_by(
        "danger", F("since").asc(nulls_last=True), F("escalated_at").asc(nulls_last=True),
        "due_at", "id",
    )  # fmt: skip


# How near a pump is to running dry: the date, and by when it has come, in days from today.
_DANGERS: Final = (
    ("empty_date", timedelta()),
    ("alarm_date", timedelta()),
    ("earliest_empty_date", timedelta()),
    ("earliest_empty_date", NEAR),
)


def _reached(name: str, within: timedelta) -> Q:
    """A date of other facts than the present is none."""
    present = Q(pump__projection__input_version=F("pump__input_version"))
    return present & Q(**{f"pump__projection__{name}__lte": F("today") + within})


def _danger() -> Case:
    found = [
        When(_reached(name, within), then=Value(rank))
        for rank, (name, within) in enumerate(_DANGERS)
    ]
    return Case(*found, default=Value(len(_DANGERS)), output_field=IntegerField())


def _since() -> Case:
    """The date that puts the pump in danger; none for one that is not."""
    found = [
        When(_reached(name, within), then=F(f"pump__projection__{name}"))
        for name, within in _DANGERS
    ]
    return Case(*found, default=None, output_field=DateField())


def open_of_pump(pump: Pump, now: datetime) -> list[WorkItem]:
    """What is open about one pump, the most urgent first."""
    return list(open_items([pump.clinic_id], now).filter(pump=pump))


def settled_lately(clinics: Collection[int], now: datetime) -> QuerySet[WorkItem]:
    """What was settled in the last days, newest first."""
    rows = WorkItem.objects.filter(clinic__in=clinics, settled_at__gte=now - LATELY)
    return rows.select_related("clinic", "pump__patient", "settled_by").order_by(
        "-settled_at", "-id"
    )


def count_open(user: User) -> int:
    """How many open items wait for the user's own role; 0 for who works on none."""
    clinics = clinic_ids(user, Action.BOOK)
    if not clinics:
        return 0
    rows = WorkItem.objects.filter(of_role(user, clinics), settled_at__isnull=True)
    return rows.count()


def counts(user: User, clinics: Collection[int], now: datetime) -> WorkCounts:
    """The tabs' numbers in one query."""
    still_open = Q(settled_at__isnull=True)
    found = WorkItem.objects.filter(
        still_open | Q(settled_at__gte=now - LATELY), clinic__in=clinics
    ).aggregate(
        mine=Count("pk", filter=still_open & of_role(user, clinics)),
        everybody=Count("pk", filter=still_open),
        settled=Count("pk", filter=~still_open),
    )
    return WorkCounts(**found)


def count_of_administrator(clinic_id: int) -> int:
    """Open items that went to the administrator for want of anybody who may work on them."""
    rows = WorkItem.objects.filter(clinic=clinic_id, settled_at__isnull=True)
    return rows.filter(owner_role=Role.ADMIN).count()


def item_for(user: User, item_uuid: uuid.UUID) -> WorkItem | None:
    """The item, or None where the user may not work on it: nobody learns that it exists."""
    rows = WorkItem.objects.select_related("clinic", "pump__patient")
    return rows.filter(uuid=item_uuid, clinic__in=clinic_ids(user, Action.BOOK)).first()


def uuids_about(of_clinics: Collection[int], patients: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Every work item and message about these patients' pumps, by uuid."""
    pumps = Pump.objects.filter(clinic_id__in=of_clinics, patient__uuid__in=patients)
    items = WorkItem.objects.filter(pump__in=pumps).order_by("pk").values_list("uuid", flat=True)
    about = [str(key) for key in pumps.order_by("pk").values_list("uuid", flat=True)]
    messages = OutboxMessage.objects.filter(about__in=about).order_by("pk")
    return [*items, *messages.values_list("uuid", flat=True)]


def loud_items(clinics: Collection[int], now: datetime) -> QuerySet[WorkItem]:
    """Open items that nobody settled in time, and those that are failures of ours."""
    late = Q(due_at__lt=now) | Q(escalated_at__isnull=False)
    return open_items(clinics, now).filter(late | Q(kind__in=FAILURES))


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the items' subjects are: appointments by uuid, who could not be reached, and for pumps
    that are not booked in time the appointment that comes too late, by pump."""

    appointments: Mapping[str, datetime]
    recipients: Mapping[str, str]
    coming: Mapping[int, Appointment]


def subjects_of(items: Collection[WorkItem], now: datetime) -> Subjects:
    """In a fixed number of queries, whatever the items are."""
    keys = {item.subject for item in items if item.kind in ABOUT_APPOINTMENTS}
    when = Appointment.objects.filter(uuid__in=keys).values_list("uuid", "starts_at")
    failed = [item for item in items if item.kind == Kind.DELIVERY_FAILED]
    unbooked = [item.pump_id for item in items if item.pump_id and item.kind == Kind.UNBOOKED]
    rows = Appointment.objects.filter(
        pump_id__in=unbooked, cancelled_at__isnull=True, outcome="", starts_at__gt=now
    )
    coming = {row.pump_id: row for row in rows.order_by("-starts_at", "-id")}  # the next one stays
    return Subjects(
        {str(key): at for key, at in when}, recipients_of(failed) if failed else {}, coming
    )


def dates_of(item: WorkItem) -> Projection | None:
    """The dates of the item's pump, where they are of its present facts."""
    found: Projection | None = getattr(item.pump, "projection", None)
    if item.pump is None or found is None or found.input_version != item.pump.input_version:
        return None
    return found


def recipients_of(items: Collection[WorkItem]) -> dict[str, str]:
    """By subject, whom a message did not reach: a colleague by name, a family by relation."""
    keys = {item.details["message"] for item in items if "message" in item.details}
    rows = OutboxMessage.objects.filter(uuid__in=keys)
    refs = {str(row.uuid): row.recipient_ref for row in rows}
    names = names_of_recipients(refs.values())
    return {
        item.subject: names.get(refs.get(str(item.details.get("message")), ""), "")
        for item in items
    }


def names_of_recipients(refs: Collection[str]) -> dict[str, str]:
    """By reference: a colleague's name, a caregiver's relation or name. Never an address."""
    found = {str(one.uuid): one.display_name for one in User.objects.filter(uuid__in=set(refs))}
    for person in Caregiver.everyone.filter(uuid__in=set(refs)):
        found[str(person.uuid)] = person.relationship or person.name or "Contact"
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the newest reminder about a pump."""

    state: str  # `sent`, `pending`, `dead`
    at: datetime
    family: bool = False


def told_about(pump_uuids: Collection[str], now: datetime) -> dict[str, Told]:
    """The newest reminder of each pump in one query. Of one promise to several people, what
    reached somebody counts; a recipient who was not reached has a work item."""
    rank: dict[str, int] = {State.SENT: 0, State.PENDING: 1, State.DEAD: 2}
    rows = OutboxMessage.objects.filter(
        about__in=pump_uuids, state__in=rank, created_at__gte=now - SPOKEN
    ).values_list(
        "about", "obligation", "stamp", "milestone", "state", "settled_at", "created_at", "template"
    )
    found: dict[str, tuple[str, Told]] = {}
    for about, *promise, state, settled_at, created_at, template in rows.order_by("-id"):
        key = "|".join(promise)
        known = found.get(about)
        told = Told(state, settled_at or created_at, template == "call_us")
        if known is None or (known[0] == key and rank[state] < rank[known[1].state]):
            found[about] = (key, told)
    return {about: told for about, (_, told) in found.items()}


def clinics_nobody_is_told_in(clinics: Collection[int]) -> set[int]:
    """Clinics without a nurse who can be written to."""
    rows = WorkItem.objects.filter(
        clinic__in=clinics, kind=Kind.NOBODY_TO_TELL, settled_at__isnull=True
    )
    return set(rows.values_list("clinic_id", flat=True))


def messages_about(pump_uuid: uuid.UUID) -> list[OutboxMessage]:
    """The newest messages about a pump, with their tries."""
    rows = OutboxMessage.objects.filter(about=str(pump_uuid)).prefetch_related("tries")
    return list(rows.order_by("-id")[:30])
