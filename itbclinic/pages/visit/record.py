"""A recorded visit as its page shows it, and as a form takes its values again."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from accounts.policies import Action, may
from alarms.domain.projection import Known, project
from alarms.models import Projection
from alarms.selectors.inputs import domain_bolus, domain_program, load_facts
from core import words
from core.quantities import PER_ML, format_quantity, plain
from dosing.domain import programs
from dosing.selectors import programs_of, steps_of
from itbclinic.pages.shared import dates_view, program_view
from itbclinic.pages.shared.dates_view import ALARM, REFILL
from pumps.models import Pump
from visits.models import Visit
from visits.selectors.encounters import visits_of
from visits.selectors.summaries import current_summary, prints_of_visit

from . import booked, changes
from .forms import FLEX, LOCAL, MINIMUM, SIMPLE, STAYS, STOPPED, hours_of


def values_of(visit: Visit) -> dict[str, Any]:
    """The values of a visit for the form, to record it again; the reasons are written anew."""
    values: dict[str, Any] = {
        "at": visit.at.astimezone(visit.pump.clinic.zone).strftime(LOCAL),
        "note": visit.note,
        "change": STAYS,
    }
    fill, program, seen = visit.fill, visit.program, visit.interrogation
    if fill is not None:
        values |= {
            "product": fill.product.uuid if fill.product else None,
            "aspirated_ml": "" if fill.aspirated_ml is None else plain(fill.aspirated_ml),
            "volume_ml": plain(fill.volume_ml),
            "lot_number": fill.lot_number,
            "expires_on": fill.expires_on,
            "use_by": fill.use_by,
        }
    if visit.bridge is not None:
        values |= {
            "bridge_mcg": plain(visit.bridge.dose_mcg),
            "bridge_hours": hours_of(visit.bridge.minutes),
        }
    if seen is not None:
        values["printed_alarm_date"] = seen.printed_alarm_date
        if seen.reservoir_volume_ml is not None:
            values["reservoir_volume_ml"] = plain(seen.reservoir_volume_ml)
    if program is not None:
        values |= {
            "change": program.mode if program.mode in (FLEX, MINIMUM, STOPPED) else SIMPLE,
            "daily_dose_mcg": plain(program.daily_dose_mcg) if program.daily_dose_mcg else "",
            "reason": program.reason,
            "ordered_by": visit.ordered_by.uuid if visit.ordered_by else None,
            "pump_clock": _clock_of(visit),
        }
    return values


def _clock_of(visit: Visit) -> str:
    """The pump clock's offset where it is another than the clinic's at the visit: it was typed."""
    assert visit.program is not None
    typed = visit.program.utc_offset_minutes
    clinics = visit.at.astimezone(visit.pump.clinic.zone).utcoffset() or timedelta()
    return "" if timedelta(minutes=typed) == clinics else str(typed)


def context_of(visit: Visit, user: User, now: datetime) -> dict[str, Any]:
    """Everything that the page shows."""
    pump, clinic = visit.pump, visit.pump.clinic
    patient, today = pump.patient, now.astimezone(clinic.zone).date()
    withdrawal = getattr(visit, "withdrawal", None)
    later = next((v for v in visits_of(pump) if v.pk != visit.pk and v.at > visit.at
                  and not hasattr(v, "withdrawal")), None)  # fmt: skip
    return {
        "visit": visit,
        "withdrawal": withdrawal,
        "patient": patient,
        "pump": pump,
        "clinic": clinic,
        "born": words.birth(patient.date_of_birth, today),
        "what": _what(visit),
        "program": _program(visit),
        "was": _program_before(visit),
        "compared": _compared(visit),
        "missing": "" if withdrawal else changes.missing_in(visit),
        "concerns": changes.names_of(visit.concerns),
        "dates": [] if withdrawal else _dates(visit, now, today),
        "moved": [] if withdrawal else _moved(visit),
        "booked": None if withdrawal else booked.after_visit(visit, _now(pump), user, now),
        "later": later,
        "summary": current_summary(visit),
        "prints": prints_of_visit(visit),
        "may_record": may(user, Action.RECORD_VISIT, clinic.pk),
        "today": today,
    }


def _moved(visit: Visit) -> list[tuple[str, str, str]]:
    """The alarm and the refill date before the visit and as it left them; empty for a visit that
    was recorded when they were not kept."""
    if visit.refill_due_after is None and visit.refill_due_before is None:
        return []
    return [
        (label, _date(visit, name, "before"), _date(visit, name, "after"))
        for label, name in ((ALARM, "alarm_date"), (REFILL, "refill_due"))
    ]


def _date(visit: Visit, name: str, which: str) -> str:
    if getattr(visit, f"refill_due_{which}") is None:
        return "Not known"
    value = getattr(visit, f"{name}_{which}")
    return words.weekday(value) if value is not None else "Never"


def _what(visit: Visit) -> list[tuple[str, str]]:
    fill, seen = visit.fill, visit.interrogation
    found = []
    if fill is not None:
        drug = format_quantity(fill.concentration_mcg_per_ml, PER_ML)
        name = f"{fill.product.name} " if fill.product else ""
        found += [
            ("Filled", f"{format_quantity(fill.volume_ml, 'mL')} of {name}{drug}"),
            ("Aspirated", _ml(fill.aspirated_ml)),
            ("Lot", fill.lot_number or words.NOT_RECORDED),
            ("Expires on", words.day(fill.expires_on)),
        ]
        if fill.stability_days:
            found.append(("May stay in the pump", words.count(fill.stability_days, "day")))
        if fill.use_by:
            found.append(("Pharmacy's use-by date", words.day(fill.use_by)))
        if visit.bridge is not None:
            bolus, zone = domain_bolus(visit.bridge), visit.pump.clinic.zone
            found.append(("Bridge bolus", " ".join(changes.bridge_in_words(bolus, zone))))
    else:
        found.append(("Filled", "Nothing: the dose changed without a refill"))
    if seen is not None:
        if seen.printed_alarm_date:
            found.append(("Alarm date on the printout", words.day(seen.printed_alarm_date)))
        if seen.reservoir_volume_ml is not None:
            found.append(("Reservoir volume shown", _ml(seen.reservoir_volume_ml)))
    return found


def _ml(value: Any) -> str:
    return words.NOT_RECORDED if value is None else format_quantity(value, "mL")


def _program(visit: Visit) -> program_view.ProgramView | None:
    row = visit.program
    if row is None:
        return None
    since = words.instant(row.effective_at, visit.pump.clinic.zone)
    steps = steps_of([row.pk])[row.pk]
    return program_view.present(row, steps, visit.pump.model.min_ml_per_day, since)


def _program_before(visit: Visit) -> str:
    """The program until the visit, as far as it counts today: `Flex: Mon to Fri 600 mcg/day`."""
    if visit.program is None:
        return ""
    rows = programs_of(visit.pump)
    begun = (
        row
        for row in rows
        if row.effective_at <= visit.at
        and row.pk != visit.program_id
        and row.recorded_at < visit.recorded_at
        and not hasattr(row, "correction")
    )
    row = next(begun, None)
    if row is None:
        return "None was recorded."
    steps = steps_of([row.pk])[row.pk]
    view = program_view.present(row, steps, visit.pump.model.min_ml_per_day, "")
    plans = ", ".join(f"{plan.days} {plan.total}" for plan in view.plans)
    return f"{view.mode}, {view.concentration}: {plans}" if plans else view.mode


def steps_program_of(visit: Visit) -> programs.Program | None:
    """The visit's program as the core has it, to fill the table of steps with."""
    row = visit.program
    return domain_program(row, steps_of([row.pk])[row.pk]) if row else None


def _compared(visit: Visit) -> str:
    """`Expected 11 mL; the difference is +0.3 mL (less was delivered).`"""
    found = getattr(visit.fill, "discrepancy", None) if visit.fill else None
    if found is None:
        return ""
    expected = format_quantity(found.expected_ml, "mL", 2)
    size = format_quantity(abs(found.difference_ml), "mL", 2)
    if found.difference_ml == 0:
        return f"Expected {expected}: exactly as programmed."
    if size == "0 mL":
        return f"Expected {expected}: as programmed, to a hundredth of a mL."
    side = "less" if found.difference_ml > 0 else "more"
    return f"Expected {expected}: {size} {side} was delivered than programmed."


def _dates(visit: Visit, now: datetime, today: Any) -> list[dates_view.DateLine]:
    """The pump's dates as they stand now."""
    pump = visit.pump
    row = _now(pump)
    if row is None:
        return []
    facts = load_facts([pump.pk])[pump.pk]
    found = project(facts.inputs(now))
    known = found if isinstance(found, Known) else None
    return dates_view.present(pump, row, known, facts.fill, today)


def _now(pump: Pump) -> Projection | None:
    """The pump's projection, where it is of the present facts."""
    row: Projection | None = getattr(pump, "projection", None)
    return row if row is not None and row.input_version == pump.input_version else None
