"""Those who care for a patient: whom to call, and who agreed to be written to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts import audit
from accounts.models import User
from core.rules import RuleViolation, check_phone
from patients.models import Caregiver, ConsentWithdrawal, ContactConsent, Patient


@dataclass(frozen=True, slots=True)
class CaregiverEntry:
    """Someone to call about a patient; what is not known is empty."""

    relationship: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.relationship or self.name or self.phone or self.email)


@transaction.atomic
def record_consent(
    *,
    caregiver: Caregiver,
    channel: ContactConsent.Channel,
    by: User,
    now: datetime,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    agreed: str = "",
) -> ContactConsent:
    """Record that a caregiver agreed to be written to. `alarms` then plans the reminders anew.

    Args:
        valid_until: exclusive; None until it is withdrawn.

    Raises:
        RuleViolation: no address for the channel, or an end before the beginning.
    """
    starts = valid_from or now
    # An address that is changed at this moment must not get a consent that was given for another.
    caregiver = Caregiver.everyone.select_for_update().get(pk=caregiver.pk)
    check_not_removed(caregiver)
    if not caregiver.email:
        raise RuleViolation.of("email", "missing", "Write down the e-mail address first.")
    if valid_until is not None and valid_until <= starts:
        raise RuleViolation.of(
            "valid_until", "out_of_range", "The consent must end after it begins."
        )
    consent = ContactConsent.objects.create(
        caregiver=caregiver,
        channel=channel,
        valid_from=starts,
        valid_until=valid_until,
        agreed=agreed,
        recorded_at=now,
        recorded_by=by,
    )
    _audit_consent("consent.recorded", consent, by, now)
    return consent


@transaction.atomic
def withdraw_consent(*, consent: ContactConsent, by: User, now: datetime) -> ConsentWithdrawal:
    """Record that a consent was taken back: it is obeyed at once.

    Raises:
        RuleViolation: `already_withdrawn`.
    """
    if ConsentWithdrawal.objects.filter(consent=consent).exists():
        raise RuleViolation.of(
            "consent", "already_withdrawn", "This consent was withdrawn already."
        )
    row = ConsentWithdrawal.objects.create(consent=consent, at=now, recorded_by=by)
    _audit_consent("consent.withdrawn", consent, by, now)
    return row


def _audit_consent(event: str, consent: ContactConsent, by: User, now: datetime) -> None:
    patient = consent.caregiver.patient
    audit.record(
        event=event,
        by=by,
        at=now,
        clinic_id=patient.clinic_id,
        subject_type="patient",
        subject_id=patient.uuid,
        after={"caregiver": str(consent.caregiver.uuid), "channel": consent.channel},
    )


@transaction.atomic
def add_caregiver(*, patient: Patient, entry: CaregiverEntry, by: User, now: datetime) -> Caregiver:
    """Add somebody to call.

    Raises:
        RuleViolation: nothing was written.
    """
    check_caregiver(entry)
    person = Caregiver.objects.create(patient=patient, **asdict(entry))
    _audit_caregiver("caregiver.added", person, by, now, list(asdict(entry)))
    return person


@transaction.atomic
def change_caregiver(
    *, caregiver: Caregiver, entry: CaregiverEntry, by: User, now: datetime
) -> bool:
    """Change somebody to call.

    A consent was given for an address. With another one it is withdrawn in the same moment, and
    nothing is sent there before somebody agreed anew: the new address may be somebody else's.

    Returns:
        Whether a consent ended by it.

    Raises:
        RuleViolation: nothing was written.
    """
    check_caregiver(entry)
    row = Caregiver.everyone.select_for_update().get(pk=caregiver.pk)
    check_not_removed(row)
    changed = [name for name, value in asdict(entry).items() if getattr(row, name) != value]
    ended = False
    if "email" in changed:
        ended = bool(withdraw_all(caregiver=row, by=by, now=now))
    for name in changed:
        setattr(row, name, getattr(entry, name))
    if changed:
        row.save(update_fields=changed)
        _audit_caregiver("caregiver.changed", row, by, now, changed)
    return ended


@transaction.atomic
def remove_caregiver(*, caregiver: Caregiver, reason: str, by: User, now: datetime) -> Caregiver:
    """Take somebody off the people to call; every consent of theirs ends in the same moment.

    Raises:
        RuleViolation: no reason, or somebody removed them already.
    """
    row = Caregiver.everyone.select_for_update().select_related("patient").get(pk=caregiver.pk)
    if row.removed_at is not None:
        raise RuleViolation.of(
            "caregiver", "already_removed", "Somebody has removed this person already."
        )
    if not reason.strip():
        raise RuleViolation.of(
            "remove_reason", "missing", "Say why this person is not to be called any more."
        )
    withdraw_all(caregiver=row, by=by, now=now)
    row.removed_at, row.removed_by, row.remove_reason = now, by, reason.strip()
    row.save(update_fields=["removed_at", "removed_by", "remove_reason"])
    _audit_caregiver("caregiver.removed", row, by, now, [])
    return row


@transaction.atomic
def withdraw_all(*, caregiver: Caregiver, by: User, now: datetime) -> int:
    """Withdraw every consent of a caregiver that was not withdrawn. Returns how many."""
    Caregiver.everyone.select_for_update().get(pk=caregiver.pk)
    rows = ContactConsent.objects.filter(caregiver=caregiver, withdrawal__isnull=True)
    consents = list(rows.select_related("caregiver__patient").order_by("id"))
    for consent in consents:
        withdraw_consent(consent=consent, by=by, now=now)
    return len(consents)


def check_not_removed(caregiver: Caregiver) -> None:
    """Refuse to keep up somebody who is not to be called any more.

    Raises:
        RuleViolation: `removed`.
    """
    if caregiver.removed_at is not None:
        raise RuleViolation.of(
            "caregiver",
            "removed",
            "This person was removed meanwhile. Add them again if they are to be called.",
        )


def check_caregiver(entry: CaregiverEntry) -> None:
    """Refuse somebody of whom nothing is known, a phone that rings nowhere, and an address that
    takes no message. A roster's row was read by its own rules and does not come here.

    Raises:
        RuleViolation: naming the field.
    """
    if not entry:
        raise RuleViolation.of("name", "missing", "Write at least a name or a phone number.")
    check_phone("phone", entry.phone)
    if entry.email:
        try:
            validate_email(entry.email)
        except ValidationError as error:
            text = "Write an address such as name@example.org."
            raise RuleViolation.of("email", "invalid", text) from error


def _audit_caregiver(
    event: str, person: Caregiver, by: User, now: datetime, changed: Sequence[str]
) -> None:
    """Which fields, not their values: those stand in the chart and nowhere else."""
    audit.record(
        event=event,
        by=by,
        at=now,
        clinic_id=person.patient.clinic_id,
        subject_type="patient",
        subject_id=person.patient.uuid,
        after={"caregiver": str(person.uuid), "changed": sorted(changed)},
    )
