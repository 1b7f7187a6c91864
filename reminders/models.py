"""Messages and how they leave. Nothing here is clinical: ids and codes of the apps above only."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic
from core.append_only import AppendOnly
from core.leases import Leased, lease_has_a_holder

from .domain.promises import Obligation, PromiseKey
from .domain.retry import Outcome
from .domain.wording import LANGUAGES, TEMPLATES


class OutboxMessage(Leased):
    """One message to one recipient, from the moment it is owed until its end is known.

    The row is the promise; whatever rings for it may be lost. It never holds an address or a text:
    both are made when it leaves, so that a correction reaches it.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENT = "sent", "Sent"
        DEAD = "dead", "Could not be delivered"
        SUPERSEDED = "superseded", "Replaced"
        SUPPRESSED = "suppressed", "Held back"

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="outbox_messages")
    about = models.CharField(max_length=64)  # the uuid of what the apps above speak of
    obligation = models.CharField(max_length=64)
    stamp = models.CharField(max_length=32)  # the date or reason that it speaks of
    date_version = models.CharField(max_length=64)  # the stamp, the version of its inputs, a count
    milestone = models.CharField(max_length=32)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    recipient_ref = models.CharField(max_length=64)  # the uuid of a user or a caregiver
    kind = models.CharField(max_length=32)
    template = models.CharField(max_length=16)
    language = models.CharField(max_length=2)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=32, blank=True)  # a code
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    message_id = models.CharField(max_length=200, unique=True)
    # The message whose one e-mail told this recipient of this, too: five pumps are no five mails.
    carried_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                name="outbox_to_claim",
                condition=Q(state="pending", lease_until__isnull=True),
            ),
            models.Index(
                fields=["lease_until"],
                name="outbox_leased",
                condition=Q(state="pending", lease_until__isnull=False),
            ),
            models.Index(fields=["about", "milestone"], name="outbox_by_what_it_is_about"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["obligation", "date_version", "milestone", "channel", "recipient_ref"],
                name="one_message_per_promise",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent", "dead", "superseded", "suppressed"]),
                name="outbox_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", settled_at__isnull=True)
                | (~Q(state="pending") & Q(settled_at__isnull=False)),
                name="outbox_is_settled_when_it_is_not_pending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent"], reason="")
                | (Q(state__in=["dead", "superseded", "suppressed"]) & ~Q(reason="")),
                name="outbox_ends_unsent_for_a_reason",
            ),
            lease_has_a_holder("outbox_lease_has_a_holder_and_a_pending_row", state="pending"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(attempts__gte=1), name="outbox_sent_was_attempted"
            ),
            models.CheckConstraint(
                condition=Q(carried_by__isnull=True) | Q(state="sent"),
                name="outbox_carried_is_sent",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="outbox_expires_later"
            ),
            models.CheckConstraint(
                condition=Q(template__in=TEMPLATES) & Q(language__in=LANGUAGES),
                name="outbox_template_is_known",
            ),
        ]

    @property
    def promise(self) -> PromiseKey:
        """What it promises, and to whom."""
        obligation = Obligation.read(self.obligation)
        return PromiseKey(obligation, self.stamp, self.milestone, self.recipient_ref)


class DeliveryAttempt(AppendOnly):
    """One try to hand a message to the mail server. No address, no text of the server's."""

    message = models.ForeignKey(OutboxMessage, on_delete=models.PROTECT, related_name="tries")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=[(o.value, o.value) for o in Outcome])
    smtp_code = models.PositiveSmallIntegerField(null=True)
    error_class = models.CharField(max_length=60, blank=True)
    lease_by = models.CharField(max_length=32)

    class Meta:
        indexes = [models.Index(fields=["message", "outcome"], name="attempt_by_message")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=[outcome.value for outcome in Outcome]),
                name="attempt_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome="accepted", error_class="") | ~Q(outcome="accepted"),
                name="attempt_accepted_has_no_error",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("started_at")), name="attempt_ends_after_it_starts"
            ),
        ]
