"""The only writer of projections (docs/reliability.md, 2).

`reproject` runs inside the transaction that changed a pump's inputs. `followup.resync` calls it and
then plans what to remind of.
"""

import logging
import traceback
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from django.db.models import DecimalField

from alarms.domain.projection import Known, Unknown, project
from alarms.models import Projection, Reason
from alarms.selectors.inputs import PumpFacts, load_facts
from core.quantities import rounded

from .attention import attention_of, is_outdated, printed_date_of, settled_until

logger = logging.getLogger(__name__)

COMPUTED: Final = tuple(
    field.attname
    for field in Projection._meta.concrete_fields
    if field.name not in ("pump", "computed_at")
)


def compute(facts: PumpFacts, now: datetime) -> dict[str, Any]:
    """What the projection's columns must hold. A calculation that fails is an unknown of its own:
    the pump goes to the top of every list, and no other pump is stopped by it."""
    try:
        return _compute(facts, now)
    except Exception as error:  # whatever it is, this pump must be seen, and the others computed
        # The place and the type only: an error's message may hold a patient's values.
        logger.error(
            "projection failed: pump_id=%s %s\n%s",
            facts.pump.pk,
            type(error).__name__,
            "".join(traceback.format_tb(error.__traceback__)),
        )
        return _blank(facts) | {"unknown_reason": Reason.FAILED, "failure": type(error).__name__}


def _blank(facts: PumpFacts) -> dict[str, Any]:
    blank = Projection(input_version=facts.pump.input_version)
    return {name: getattr(blank, name) for name in COMPUTED}


def _compute(facts: PumpFacts, now: datetime) -> dict[str, Any]:
    found = project(facts.inputs(now))
    values = _blank(facts)
    values["printed_alarm_date"] = printed_date_of(facts)
    values["recheck_at"] = facts.next_change_after(now)
    if isinstance(found, Unknown):
        return values | {"unknown_reason": found.reason}
    return values | _known(facts, found, values["printed_alarm_date"], now)


def _known(facts: PumpFacts, found: Known, printed: date | None, now: datetime) -> dict[str, Any]:
    attention = attention_of(facts, found, printed, now)
    dates = [found.alarm_date]
    if Reason.ALARM_DATE_MISMATCH in attention:
        dates.append(printed)
    elif is_outdated(facts):
        printed = None  # it agreed, and speaks of a program that has ended
    program = facts.program_at(found.as_of)
    return {
        "attention": attention,
        "printed_alarm_date": printed,
        "attention_settled_until": settled_until(facts, attention),
        "alarm_at": found.alarm_at,
        "alarm_date": found.alarm_date,
        "empty_at": found.empty_at,
        "empty_date": found.empty_date,
        "earliest_empty_date": found.earliest_empty_date,
        "stability_date": found.stability_date,
        "refill_due_on": found.refill_due_on,
        "window_opens_on": found.window_opens_on,
        "binding_clock": found.binding_clock,
        "sort_alarm_date": min((day for day in dates if day is not None), default=None),
        "flags": _flags(found),
        "mode": program.mode if program else "",
        "daily_dose_mcg": found.daily_dose_mcg,
        "daily_dose_min_mcg": found.daily_dose_min_mcg,
        "daily_volume_ml": found.daily_volume_ml,
        "concentration_mcg_per_ml": program.concentration_mcg_per_ml if program else None,
    }


def _flags(found: Known) -> list[str]:
    flags = {
        "may_be_empty_before_alarm": found.may_be_empty_before_alarm,
        "may_be_empty_before_due": found.may_be_empty_before_due,
        "pump_clock_offset": bool(found.warnings),
    }
    return [name for name, holds in flags.items() if holds]


def as_stored(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the columns hold them, rounded to their places, so that a look at a row that
    was written from the same facts finds no difference."""
    stored = {}
    for field in Projection._meta.concrete_fields:
        if field.attname in values:
            value = values[field.attname]
            if value is not None and isinstance(field, DecimalField):
                value = rounded(value, field.decimal_places or 0)
            stored[field.attname] = value
    return stored


def reproject(pump_ids: Collection[int], *, now: datetime) -> dict[int, Projection]:
    """Compute and write the projections of pumps that the caller has locked."""
    rows = {
        pk: Projection(pump_id=pk, computed_at=now, **as_stored(compute(facts, now)))
        for pk, facts in load_facts(pump_ids).items()
    }
    Projection.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["pump"],
        update_fields=[
            field.name for field in Projection._meta.concrete_fields if field.name != "pump"
        ],
    )
    return rows
