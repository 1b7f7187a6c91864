"""The facts behind a summary, read as they stand, and the paper's words made of them."""

from datetime import date, datetime, timedelta
from typing import Any

from alarms.models import ATTENTION, Projection, Reason
from alarms.selectors.inputs import domain_bolus, domain_program
from dosing.models import Program
from dosing.selectors import current_programs, steps_of
from pumps.models import Pump
from refills.selectors import next_appointments
from visits.domain import summary
from visits.domain.summary_dose import Dose, dose_of
from visits.models import Visit

FORMAT = 1  # of the content; the template that lays it out goes by it


def content_of(*, visit: Visit, projection: Projection, now: datetime) -> dict[str, Any]:
    """What the paper says at `now`: everything but its version and the time of its making."""
    zone = visit.clinic.zone
    told = told_by(visit=visit, projection=projection, now=now)
    written = summary.summarise(told, today=now.astimezone(zone).date())
    return {"format": FORMAT, **summary.as_json(written)}


def told_by(*, visit: Visit, projection: Projection, now: datetime) -> summary.Told:
    """The facts as the pure core takes them."""
    patient, pump, fill = visit.pump.patient, visit.pump, _in_force(visit.fill)
    before, running = _programs(visit)
    concentration = running.concentration_mcg_per_ml if running else None
    product = fill.product if fill else None
    ordered = visit.ordered_by.display_name if visit.ordered_by else ""
    minimum = pump.model.min_ml_per_day
    return summary.Told(
        given_name=patient.given_name,
        family_name=patient.family_name,
        born=patient.date_of_birth,
        spoken=patient.language,
        clinic=_clinic(visit),
        visit_at=visit.at,
        seen_by=visit.recorded_by.display_name,
        ordered_by=ordered,
        before=_dose(before, minimum),
        now=_dose(running, minimum),
        medicine=product.name if product else "",
        concentration_mcg_per_ml=fill.concentration_mcg_per_ml if fill else concentration,
        filled_ml=fill.volume_ml if fill else None,
        bridge_until=_bridge_until(visit),
        dates=dates_of(visit, projection, now),
        next_visit_at=_next_visit(visit, now),
    )


def _clinic(visit: Visit) -> summary.Clinic:
    clinic = visit.clinic
    return summary.Clinic(
        name=clinic.name,
        place=clinic.visit_place,
        phone_day=clinic.phone_day,
        phone_night=clinic.phone_night,
        zone=clinic.zone,
    )


def _bridge_until(visit: Visit) -> datetime | None:
    bolus = _in_force(visit.bridge)
    return domain_bolus(bolus).until if bolus else None


def _in_force(row: Any) -> Any:
    """The fact as it counts now: what corrected it, or nothing where it was taken back."""
    while row is not None and hasattr(row, "correction"):
        row = row.correction.replacement
    return row


def _programs(visit: Visit) -> tuple[Program | None, Program | None]:
    """The program before the visit and the one after it; the same one where none was recorded."""
    rows = current_programs([visit.pump_id]).get(visit.pump_id, [])
    own = _in_force(visit.program)
    until = own.effective_at if own else visit.at
    begun = [row for row in rows if row.effective_at <= until]
    if own is None:
        return (begun[-1], begun[-1]) if begun else (None, None)
    earlier = [row for row in begun if row.pk != own.pk and row.effective_at < until]
    return (earlier[-1] if earlier else None), own


def _dose(program: Program | None, min_ml_per_day: Any) -> Dose | None:
    if program is None:
        return None
    steps = steps_of([program.pk])[program.pk]
    whole = domain_program(program, steps)
    return dose_of(whole, program.concentration_mcg_per_ml, min_ml_per_day)


def dates_of(visit: Visit, projection: Projection, now: datetime) -> summary.Dates:
    """The dates that may be printed. A stopped pump's date is nobody's until a person settles it;
    of two alarm dates the earlier one counts, and the refill comes before it."""
    today = now.astimezone(visit.clinic.zone).date()
    version = Pump.objects.values_list("input_version", flat=True).get(pk=visit.pump_id)
    fresh = projection.input_version == version
    until = projection.attention_settled_until
    settled = until is not None and until >= today
    doubt = {one for one in projection.attention if one in ATTENTION and not settled}
    if not fresh or projection.unknown_reason or Reason.PUMP_STOPPED in doubt:
        return summary.Dates(known=False)
    return summary.Dates(
        known=True,
        alarm=projection.sort_alarm_date,
        refill_by=_refill_by(visit, projection),
        printed_differs=Reason.ALARM_DATE_MISMATCH in projection.attention,
    )


def _refill_by(visit: Visit, projection: Projection) -> date | None:
    due, alarm = projection.refill_due_on, projection.sort_alarm_date
    if due is None or alarm is None or alarm == projection.alarm_date:
        return due
    return min(due, alarm - timedelta(days=visit.clinic.refill_lead_days))


def _next_visit(visit: Visit, now: datetime) -> datetime | None:
    """When the next appointment begins."""
    coming = next_appointments(visit.pump, visit.at, now)
    return coming[0].starts_at if coming else None
