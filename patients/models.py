"""The people whose pumps are kept from running dry, and those who care for them."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic


class Patient(models.Model):
    """A patient of one clinic. The MRN is the clinic's own number and may be corrected."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    mrn = models.CharField(max_length=32)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120)
    date_of_birth = models.DateField()
    language = models.CharField(max_length=40, blank=True)
    diagnosis = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "mrn"], name="one_patient_per_mrn"),
            models.CheckConstraint(condition=~Q(mrn=""), name="patient_has_an_mrn"),
            models.CheckConstraint(
                condition=~Q(family_name="") | ~Q(given_name=""), name="patient_has_a_name"
            ),
        ]

    def __str__(self) -> str:
        return f"patient {self.uuid}"  # never the name: this reaches logs

    @property
    def display_name(self) -> str:
        """`DÍAZ, Sofía`, as clinic staff write it."""
        return f"{self.family_name.upper()}, {self.given_name}"


class Caregiver(models.Model):
    """Someone whom the clinic may call about a patient. Consent is recorded apart."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="caregivers")
    relationship = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~(Q(relationship="") & Q(name="") & Q(phone="") & Q(email="")),
                name="caregiver_is_somebody",
            ),
        ]
