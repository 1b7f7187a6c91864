"""What one worker delivers through the outbox, against the same letters in a plain smtplib loop."""

import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final

from django.conf import settings

from accounts.models import Clinic, User
from followup.services import delivering, refresh, scans
from patients.models import Caregiver, ContactConsent
from pumps.models import Pump
from refills.models import Appointment
from reminders.models import OutboxMessage

from .figures import Figure, figure

FROM_CLINIC: Final = 1  # the first one's pumps had visits here
LETTERS: Final = 2000


def deliver(n: int, now: datetime, by: User) -> Figure:
    """So many families of the later clinics have an appointment in two days and are written to."""
    hour = now.time()  # the same twice: no quiet hours
    Clinic.objects.update(phone_day="555-0100", quiet_from=hour, quiet_until=hour)
    _owe(Clinic.objects.order_by("pk")[FROM_CLINIC].pk, now, by)
    owed = OutboxMessage.objects.filter(state="pending")
    owed.update(not_before=now - timedelta(minutes=1))
    letters = owed.count()
    assert letters, "nobody is to be written to"
    with _mail_server() as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        started = time.perf_counter()
        sent = 0
        while found := delivering.deliver(clock=lambda: now).sent:
            sent += found
        seconds = time.perf_counter() - started
        assert sent == letters
        floor = _plain(letters, port)
    return figure("deliver", seconds, floor, letters)


def _owe(first_clinic_id: int, now: datetime, by: User) -> None:
    later = Pump.objects.filter(clinic__gte=first_clinic_id).order_by("clinic", "pk")
    pumps = list(later[:LETTERS])
    people = Caregiver.objects.bulk_create(
        Caregiver(patient_id=pump.patient_id, email=f"family-{pump.pk}@example.org")
        for pump in pumps
    )
    ContactConsent.objects.bulk_create(
        ContactConsent(
            caregiver=person, channel="email", valid_from=now, recorded_at=now, recorded_by=by
        )
        for person in people
    )
    Appointment.objects.bulk_create(
        Appointment(pump=pump, starts_at=now + timedelta(days=2), created_at=now, created_by=by)
        for pump in pumps
    )
    for first in range(0, len(pumps), scans.CHUNK):
        refresh([pump.pk for pump in pumps[first : first + scans.CHUNK]], now=now)


@contextmanager
def _mail_server() -> Iterator[int]:
    """A server in a process of its own that takes every letter and keeps none."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "aiosmtpd", "--nosetuid", "--class", "aiosmtpd.handlers.Sink"]
    server = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"])
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def _plain(letters: int, port: int) -> float:
    """The floor: one connection, and nothing looked up or recorded."""
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(letters):
            letter = EmailMessage()
            letter["Subject"], letter["From"] = "Please call us", "clinic@example.org"
            letter["To"] = f"family-{number}@example.org"
            letter.set_content("Please call the clinic.\n" * 8)
            server.send_message(letter)
    return time.perf_counter() - started
