"""One row of the worklist, and how it is made of a pump and what the query worked out on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol, cast
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Clinic
from alarms.domain.status import BY_RANK, Status, status_on
from alarms.models import Projection, Reason
from patients.models import Patient
from pumps.models import Pump, PumpModel

from .deadlines import dates_of

# Pumps with what `alarms.selectors.worklist` works out on each: see `_Annotated`.
Pumps = QuerySet[Pump]
NO_DATE: Final = date(1, 1, 1)  # sorts before every date: no date comes first


@dataclass(frozen=True, slots=True)
class Position:
    """The place of one row in the order of the list: where the next page goes on."""

    rank: int
    alarm: date
    due: date
    pump_id: int


@dataclass(frozen=True, slots=True)
class NextAppointment:
    """The next appointment that nobody cancelled."""

    uuid: UUID
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class ListedPump:
    """One row of the list: what the page, the API, the exports and the reminders read.

    `today` is the clinic's date. `dates` is blank where there are none of the pump's present
    facts. `reason` says why the status is unknown and is empty where it is not; `booked`: whether
    the appointment comes by the due date.
    """

    pump: Pump
    today: date
    status: Status
    reason: str
    dates: Projection
    booked: bool
    appointment: NextAppointment | None
    position: Position

    @property
    def patient(self) -> Patient:
        return self.pump.patient

    @property
    def model(self) -> PumpModel:
        return self.pump.model

    @property
    def clinic(self) -> Clinic:
        return self.pump.clinic


class _Annotated(Protocol):
    """What the query works out on each pump."""

    pk: int
    today: date
    reason: str
    rank: int
    by_alarm: date
    by_due: date
    appointment_uuid: UUID | None
    appointment_at: datetime | None
    booked: bool


def rows_of(pumps: Iterable[Pump]) -> list[ListedPump]:
    """The rows of some of `listed_pumps`, which the caller has chosen, joined and put in order."""
    return [_listed(pump) for pump in pumps]


def _listed(pump: Pump) -> ListedPump:
    row = cast(_Annotated, pump)
    coming = None
    if row.appointment_uuid is not None and row.appointment_at is not None:
        coming = NextAppointment(row.appointment_uuid, row.appointment_at)
    return ListedPump(
        pump=pump,
        today=row.today,
        status=BY_RANK[row.rank],
        reason=row.reason,
        dates=dates_of(pump),
        booked=row.booked,
        appointment=coming,
        position=position_in(pump),
    )


def position_in(pump: Pump) -> Position:
    """Where a pump of `listed_pumps` stands."""
    row = cast(_Annotated, pump)
    return Position(row.rank, row.by_alarm, row.by_due, row.pk)


def off_the_list(pump: Pump, today: date, appointment: NextAppointment | None) -> ListedPump:
    """A pump that is excluded or taken out, as the list would show it by its dates."""
    dates, status = dates_of(pump), Status.UNKNOWN
    if dates.refill_due_on is not None and dates.window_opens_on is not None:
        status = status_on(
            today,
            empty_date=dates.empty_date,
            alarm_date=dates.alarm_date,
            refill_due_on=dates.refill_due_on,
            window_opens_on=dates.window_opens_on,
        )
    return ListedPump(
        pump=pump,
        today=today,
        status=status,
        reason=dates.unknown_reason or ("" if dates.refill_due_on else Reason.RECALCULATING),
        dates=dates,
        booked=False,
        appointment=appointment,
        position=Position(status.rank, NO_DATE, NO_DATE, pump.pk),
    )
