"""Writes of patients and of those who care for them."""

from .contacts import (
    CaregiverEntry,
    add_caregiver,
    change_caregiver,
    check_caregiver,
    check_not_removed,
    record_consent,
    remove_caregiver,
    withdraw_all,
    withdraw_consent,
)
from .records import (
    PatientEntry,
    add_patient,
    check_patient,
    correct_patient,
    register_patient,
    values_of,
)

__all__ = [
    "CaregiverEntry",
    "PatientEntry",
    "add_caregiver",
    "add_patient",
    "change_caregiver",
    "check_caregiver",
    "check_not_removed",
    "check_patient",
    "correct_patient",
    "record_consent",
    "register_patient",
    "remove_caregiver",
    "values_of",
    "withdraw_all",
    "withdraw_consent",
]
