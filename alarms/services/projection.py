"""The only writer of projections (docs/reliability.md, 2).

`reproject` runs inside the transaction that changed a pump's inputs. `followup.resync` calls it and
then plans what to remind of.
"""

import logging
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

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
PLACES: Final = {
    field.attname: field.decimal_places or 0
    for field in Projection._meta.concrete_fields
    if isinstance(field, DecimalField)
}


@dataclass(frozen=True, slots=True)
class Computed:
    """What a pump's projection must hold: a row that is not saved, rounded as its columns are, so
    that a look at one written from the same facts finds no difference; and the calculation behind
    it, where it has dates."""

    row: Projection
    known: Known | None = None


def compute(facts: PumpFacts, now: datetime) -> Computed:
    """Compute a pump's projection. A calculation that fails is an unknown of its own: the pump goes
    to the top of every list, and no other pump is stopped by it."""
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
        row = _blank(facts, now)
        row.unknown_reason, row.failure = Reason.FAILED, type(error).__name__
        return Computed(row)


def _blank(facts: PumpFacts, now: datetime) -> Projection:
    version = facts.pump.input_version
    return Projection(pump_id=facts.pump.pk, input_version=version, computed_at=now)


def _compute(facts: PumpFacts, now: datetime) -> Computed:
    found = project(facts.inputs(now))
    row = _blank(facts, now)
    row.printed_alarm_date = printed_date_of(facts)
    row.recheck_at = facts.next_change_after(now)
    if isinstance(found, Unknown):
        row.unknown_reason = found.reason
        return Computed(row)
    _fill_in(row, facts, found, now)
    return Computed(row, found)


def _fill_in(row: Projection, facts: PumpFacts, found: Known, now: datetime) -> None:
    printed = row.printed_alarm_date
    attention = attention_of(facts, found, printed, now)
    dates = [found.alarm_date]
    if Reason.ALARM_DATE_MISMATCH in attention:
        dates.append(printed)
    elif is_outdated(facts):
        printed = None  # it agreed, and speaks of a program that has ended
    program = facts.program_at(found.as_of)
    row.attention = attention
    row.printed_alarm_date = printed
    row.attention_settled_until = settled_until(facts, attention)
    row.alarm_at, row.alarm_date = found.alarm_at, found.alarm_date
    row.empty_at, row.empty_date = found.empty_at, found.empty_date
    row.earliest_empty_date = found.earliest_empty_date
    row.stability_date = found.stability_date
    row.refill_due_on = found.refill_due_on
    row.window_opens_on = found.window_opens_on
    row.binding_clock = found.binding_clock
    row.sort_alarm_date = min((day for day in dates if day is not None), default=None)
    row.flags = _flags(found)
    row.mode = program.mode if program else ""
    row.daily_dose_mcg = _rounded("daily_dose_mcg", found.daily_dose_mcg)
    row.daily_dose_min_mcg = _rounded("daily_dose_min_mcg", found.daily_dose_min_mcg)
    row.daily_volume_ml = _rounded("daily_volume_ml", found.daily_volume_ml)
    row.concentration_mcg_per_ml = _rounded(
        "concentration_mcg_per_ml", program.concentration_mcg_per_ml if program else None
    )


def _rounded(column: str, value: Fraction | Decimal | None) -> Decimal | None:
    return None if value is None else rounded(value, PLACES[column])


def _flags(found: Known) -> list[str]:
    flags = {
        "may_be_empty_before_alarm": found.may_be_empty_before_alarm,
        "may_be_empty_before_due": found.may_be_empty_before_due,
        "pump_clock_offset": bool(found.warnings),
    }
    return [name for name, holds in flags.items() if holds]


def reproject(pump_ids: Collection[int], *, now: datetime) -> dict[int, Projection]:
    """Compute and write the projections of pumps that the caller has locked."""
    rows = {pk: compute(facts, now).row for pk, facts in load_facts(pump_ids).items()}
    Projection.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["pump"],
        update_fields=[
            field.name for field in Projection._meta.concrete_fields if field.name != "pump"
        ],
    )
    return rows
