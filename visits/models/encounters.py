"""What happened when a patient came, and that it was entered in error."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from core.append_only import AppendOnly
from dosing.models import Bolus, Program
from pumps.models import Interrogation, Pump
from refills.models import Fill


class Visit(AppendOnly):
    """One encounter in which a refill, a dose change or both were done.

    Its facts are rows of their own; this one says that they belong together, who answers for them,
    and what was known to be unusual when they were saved.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Made with the form: the same form sent twice is one visit.
    key = models.UUIDField(unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="visits")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="visits")
    at = models.DateTimeField()  # the visit's one instant, when the pump was updated
    fill = models.OneToOneField(Fill, on_delete=models.PROTECT, null=True, related_name="visit")
    program = models.OneToOneField(
        Program, on_delete=models.PROTECT, null=True, related_name="visit"
    )
    # At a change of concentration: the old drug in the path leaves at the old dose.
    bridge = models.OneToOneField(Bolus, on_delete=models.PROTECT, null=True, related_name="visit")
    interrogation = models.OneToOneField(
        Interrogation, on_delete=models.PROTECT, null=True, related_name="visit"
    )
    # Who ordered the program, where the one who recorded it is no doctor.
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # The codes of the warnings that were shown before saving, and why it is right all the same.
    concerns = models.JSONField(default=list)
    concern_reason = models.TextField(blank=True)
    note = models.TextField(blank=True)
    # The dates as they stood when the visit was recorded, and as it left them; without a refill
    # date they were not known, with one and no alarm date the pump never alarmed.
    alarm_date_before = models.DateField(null=True)
    refill_due_before = models.DateField(null=True)
    alarm_date_after = models.DateField(null=True)
    refill_due_after = models.DateField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["pump", "-at", "-id"], name="visit_by_pump"),
            models.Index(fields=["clinic", "-at", "-id"], name="visit_by_clinic"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(fill__isnull=False) | Q(program__isnull=False),
                name="visit_did_something",
            ),
            models.CheckConstraint(
                condition=Q(bridge__isnull=True) | Q(fill__isnull=False),
                name="visit_bridge_comes_with_a_fill",
            ),
            models.CheckConstraint(
                condition=Q(concerns=[]) | ~Q(concern_reason=""),
                name="visit_concerns_have_a_reason",
            ),
            models.CheckConstraint(
                condition=(Q(alarm_date_before__isnull=True) | Q(refill_due_before__isnull=False))
                & (Q(alarm_date_after__isnull=True) | Q(refill_due_after__isnull=False)),
                name="visit_alarm_date_comes_with_a_refill_date",
            ),
        ]


class VisitWithdrawal(AppendOnly):
    """The visit was entered in error: its facts do not count, and its summary must not be used."""

    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="withdrawal")
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="visit_withdrawal_has_a_reason"),
        ]
