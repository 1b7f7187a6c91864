"""The demo shows every tab of the appointments with something in it."""

from datetime import datetime

import pytest

from accounts.models import Clinic
from alarms.selectors import appointments
from devstack.sample import seed
from followup.models import WorkItem
from refills.models import Appointment
from visits.selectors.summaries import never_printed, printed_since

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_demo_has_appointments_of_every_kind(now: datetime) -> None:
    seed.make(secrets=seed.Secrets("correct horse battery staple", "itb_demo"), now=now)
    for clinic in Clinic.objects.all():
        assert appointments.today([clinic], now).exists()
        assert appointments.coming([clinic], now).exists()
        assert appointments.without_outcome([clinic], now).exists()
        assert never_printed([clinic.pk]).filter(state="ready").exists()
        assert printed_since([clinic.pk], now).exists()
        missed = Appointment.objects.filter(pump__clinic=clinic, outcome="no_show")
        assert missed.count() == 1
        assert WorkItem.objects.filter(
            clinic=clinic, kind="no_show", subject=str(missed.get().uuid), settled_at=None
        ).exists()
