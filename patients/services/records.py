"""Who the patients are: added, imported and corrected."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from core.rules import Problem, RuleViolation, check_unchanged
from patients.models import EARLIEST, Caregiver, Patient
from patients.selectors import same_person, with_mrn

from .contacts import CaregiverEntry, check_caregiver


@dataclass(frozen=True, slots=True)
class PatientEntry:
    """Who a patient is; one name may be empty, and so may language and diagnosis."""

    mrn: str
    family_name: str
    given_name: str
    date_of_birth: date
    language: str = ""
    diagnosis: str = ""


@transaction.atomic
def register_patient(
    *,
    clinic: Clinic,
    mrn: str,
    family_name: str,
    given_name: str,
    date_of_birth: date,
    by: User,
    at: datetime,
    language: str = "",
    diagnosis: str = "",
    caregivers: Sequence[CaregiverEntry] = (),
) -> Patient:
    """Make a patient with the people to call.

    Raises:
        RuleViolation: `duplicate_mrn` when the clinic has that MRN already, or with each field's
            sentence.
    """
    patient = Patient(
        clinic=clinic,
        mrn=mrn,
        family_name=family_name,
        given_name=given_name,
        date_of_birth=date_of_birth,
        language=language,
        diagnosis=diagnosis,
    )
    check_patient(patient, at.astimezone(clinic.zone).date())
    if with_mrn(clinic, mrn) is not None:
        raise _duplicate_mrn()
    _saved(lambda: patient.save(force_insert=True))
    Caregiver.objects.bulk_create(
        Caregiver(
            patient=patient,
            relationship=entry.relationship,
            name=entry.name,
            phone=entry.phone,
            email=entry.email,
        )
        for entry in caregivers
        if entry
    )
    audit.record(
        event="patient.registered",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="patient",
        subject_id=patient.uuid,
    )
    return patient


@transaction.atomic
def add_patient(
    *,
    clinic: Clinic,
    entry: PatientEntry,
    caregiver: CaregiverEntry,
    by: User,
    now: datetime,
    another_person: bool = False,
) -> Patient:
    """Add a patient by hand, with one person to call where one is known.

    Args:
        another_person: somebody of this name and date of birth is on record and is not this one.

    Raises:
        RuleViolation: not allowed, `same_person`, or as `register_patient` and `check_caregiver`
            say.
    """
    check_may(by, Action.ADD_PATIENT, clinic)
    today = now.astimezone(clinic.zone).date()
    problems = _problems_of(lambda: check_patient(Patient(**asdict(entry)), today))
    if caregiver:
        problems += _problems_of(lambda: check_caregiver(caregiver))
    same = same_person(clinic, entry.family_name, entry.given_name, entry.date_of_birth)
    if same and not another_person and with_mrn(clinic, entry.mrn) is None:
        text = (
            "A patient of this name and date of birth is on record already, with another MRN. Look "
            "at that one first; if this is somebody else, say so here and save again."
        )
        problems.append(Problem("another_person", "same_person", text))
    if problems:
        raise RuleViolation(problems)
    return register_patient(clinic=clinic, caregivers=[caregiver], by=by, at=now, **asdict(entry))


def _problems_of(check: Callable[[], None]) -> list[Problem]:
    try:
        check()
    except RuleViolation as violation:
        return list(violation.problems)
    return []


def _saved(save: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError as error:  # somebody saves the same MRN at this moment
        if "one_patient_per_mrn" not in str(error):
            raise
        raise _duplicate_mrn() from error


def _duplicate_mrn() -> RuleViolation:
    return RuleViolation.of(
        "mrn", "duplicate_mrn", "This MRN is another patient's. Check it, or open that patient."
    )


def check_patient(patient: Patient, today: date) -> None:
    """Refuse what is no patient: nameless, of a date of birth that cannot be, or longer than the
    record keeps.

    Args:
        patient: not saved yet.
        today: the clinic's date.

    Raises:
        RuleViolation: with each field's sentence.
    """
    problems = []
    if not patient.mrn:
        problems.append(Problem("mrn", "missing", "Write the patient's MRN."))
    if not patient.family_name and not patient.given_name:
        problems.append(Problem("family_name", "missing", "Write the patient's name."))
    for name in ("mrn", "family_name", "given_name", "language", "diagnosis"):
        longest: int = getattr(Patient._meta.get_field(name), "max_length", 0)
        if len(getattr(patient, name)) > longest:
            problems.append(Problem(name, "too_long", f"Write {longest} signs at most."))
    if patient.date_of_birth > today:
        text = "This date of birth is in the future. Check the year."
        problems.append(Problem("date_of_birth", "date_in_future", text))
    elif patient.date_of_birth < EARLIEST:
        text = f"Nobody who was born before {EARLIEST.year} is treated here. Check the year."
        problems.append(Problem("date_of_birth", "date_too_early", text))
    if problems:
        raise RuleViolation(problems)


@transaction.atomic
def correct_patient(
    *, patient: Patient, entry: PatientEntry, by: User, now: datetime, seen: str | None = None
) -> Patient:
    """Correct who a patient is. What was recorded before stays under the same patient.

    Args:
        seen: the fingerprint of what the form showed (`values_of`).

    Raises:
        RuleViolation: not allowed, `stale`, `duplicate_mrn`, or with each field's sentence.
    """
    check_may(by, Action.ADD_PATIENT, patient.clinic)
    rows = Patient.objects.select_for_update(of=("self",)).select_related("clinic")
    row = rows.get(pk=patient.pk)
    before = values_of(row)
    check_unchanged(seen, before)
    for name, value in asdict(entry).items():
        setattr(row, name, value)
    check_patient(row, now.astimezone(row.clinic.zone).date())
    others = Patient.objects.filter(clinic=row.clinic, mrn__iexact=row.mrn).exclude(pk=row.pk)
    if others.exists():
        raise _duplicate_mrn()
    after = values_of(row)
    changed = sorted(name for name in after if after[name] != before[name])
    if changed:
        _saved(lambda: row.save(update_fields=changed))
        audit.record(
            event="patient.corrected",
            by=by,
            at=now,
            clinic_id=row.clinic_id,
            subject_type="patient",
            subject_id=row.uuid,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return row


def values_of(patient: Patient) -> dict[str, str]:
    """Who a patient is, as a form shows it and the audit log keeps it."""
    return {
        "mrn": patient.mrn,
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "date_of_birth": patient.date_of_birth.isoformat(),
        "language": patient.language,
        "diagnosis": patient.diagnosis,
    }
