"""The clinics' appointments with the dates that they are held against.

A day is each clinic's own: with clinics in two time zones "today" is two stretches of time.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from accounts.models import Clinic
from refills.models import Appointment
from refills.selectors import day_bounds, with_people

FARTHEST: Final = 400  # nobody books farther ahead (refills.models.Appointment)
Appointments = QuerySet[Appointment]


def on_day(clinics: Sequence[Clinic], day: date) -> Appointments:
    """Every appointment of a calendar day that was not cancelled, by time."""
    return _between(clinics, {clinic.pk: (day, day) for clinic in clinics})


def today(clinics: Sequence[Clinic], now: datetime) -> Appointments:
    """Those of each clinic's today."""
    return _between(clinics, {c.pk: (_today(c, now), _today(c, now)) for c in clinics})


def coming(clinics: Sequence[Clinic], now: datetime, days: int = FARTHEST) -> Appointments:
    """Those from tomorrow on, for so many days."""
    spans = {
        c.pk: (_today(c, now) + timedelta(days=1), _today(c, now) + timedelta(days=days))
        for c in clinics
    }
    return _between(clinics, spans)


def without_outcome(clinics: Collection[Clinic], now: datetime) -> Appointments:
    """Those whose time has passed and for which nobody said what became of them."""
    ids = [clinic.pk for clinic in clinics]
    return _all(ids).filter(outcome="", starts_at__lte=now).order_by("starts_at", "id")


def _between(clinics: Sequence[Clinic], spans: dict[int, tuple[date, date]]) -> Appointments:
    found = Q(pk__in=[])
    for clinic in clinics:
        first, last = spans[clinic.pk]
        starts, ends = day_bounds(first, clinic.zone)[0], day_bounds(last, clinic.zone)[1]
        found |= Q(pump__clinic=clinic.pk, starts_at__gte=starts, starts_at__lt=ends)
    return _all([clinic.pk for clinic in clinics]).filter(found).order_by("starts_at", "id")


def _all(clinic_ids: Collection[int]) -> Appointments:
    rows = Appointment.objects.filter(pump__clinic_id__in=clinic_ids, cancelled_at__isnull=True)
    return with_people(rows).select_related("pump__projection")


def _today(clinic: Clinic, now: datetime) -> date:
    return now.astimezone(clinic.zone).date()
