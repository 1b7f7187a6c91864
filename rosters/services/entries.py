"""What the services are told of a row, and what the computed dates say about it afterwards."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from alarms.models import Projection, Reason
from core.quantities import format_quantity
from core.words import format_date
from dosing.models import DrugProduct
from dosing.selectors import stability_of
from pumps.models import Pump
from pumps.selectors import newest_alarm_reading
from pumps.services import InterrogationEntry
from refills.services import FillEntry
from rosters.domain.row_types import RosterRow, RowWarning

SOURCE: Final = "roster import"


def fill_entry(row: RosterRow, pump: Pump) -> tuple[FillEntry, tuple[RowWarning, ...]]:
    """The fill with how long its drug may stay: the shortest that the catalogue says.

    The sheet names no product. Where no product has the concentration, the shortest limit of any
    holds: it warns earlier (docs/calculations.md).
    """
    products = list(
        DrugProduct.objects.filter(
            clinic_id=pump.clinic_id, concentration_mcg_per_ml=row.concentration_mcg_per_ml
        )[:2]
    )
    found = stability_of(
        clinic_id=pump.clinic_id,
        pump_family=pump.model.family,
        concentration_mcg_per_ml=row.concentration_mcg_per_ml,
    )
    warnings: tuple[RowWarning, ...] = ()
    if found is None or found.assumed:
        warnings = (
            RowWarning(
                "stability_assumed",
                "No drug of this concentration has a stability limit in the catalogue. "
                + (f"{found.days} days were taken." if found else "None was taken."),
            ),
        )
    entry = FillEntry(
        volume_ml=row.volume_ml,
        concentration_mcg_per_ml=row.concentration_mcg_per_ml,
        stability_days=found.days if found else None,
        product=products[0] if len(products) == 1 else None,
    )
    return entry, warnings


def interrogation_entry(row: RosterRow, pump: Pump, take_date: bool) -> InterrogationEntry | None:
    """What the sheet says of the programmer's display that the record does not have yet."""
    alarm_ml: Decimal | None = row.low_reservoir_alarm_ml
    if alarm_ml == pump.low_reservoir_alarm_ml and not pump.low_reservoir_alarm_assumed:
        alarm_ml = None
    printed = row.printed_alarm_date if take_date else None
    if alarm_ml is None and printed is None:
        return None
    return InterrogationEntry(
        source=SOURCE, printed_alarm_date=printed, low_reservoir_alarm_ml=alarm_ml
    )


def older_reading_warnings(row: RosterRow, pump: Pump) -> tuple[RowWarning, ...]:
    """What the sheet's alarm volume is worth where the pump was read after the sheet's refill."""
    newest = newest_alarm_reading(pump)
    if (
        row.low_reservoir_alarm_ml in (None, pump.low_reservoir_alarm_ml)
        or newest is None
        or newest.at <= row.refilled_at
    ):
        return ()
    return (
        RowWarning(
            "older_alarm_reading",
            "Low Alarm (mL) is older than the reading on record, "
            f"{format_quantity(pump.low_reservoir_alarm_ml, 'mL')} on "
            f"{format_date(newest.at.astimezone(pump.clinic.zone).date())}, which goes on. Check "
            "the pump's setting.",
        ),
    )


def with_dates(
    warnings: Sequence[RowWarning], row: RosterRow, projection: Projection | None
) -> tuple[RowWarning, ...]:
    """The warnings, with what the computed dates add to them or take from them."""
    found = list(warnings)
    reason = projection.unknown_reason if projection else Reason.RECALCULATING
    if reason != Reason.NO_PROGRAM:
        found = [_program_kept(warning) for warning in found]
    if projection is None or reason not in ("", Reason.NO_PROGRAM):
        label = Reason(reason).label
        found.append(RowWarning("shown_as_unknown", f"The pump is shown as unknown: {label}."))
    elif (
        row.printed_alarm_date is not None
        and projection.printed_alarm_date == row.printed_alarm_date
        and Reason.ALARM_DATE_MISMATCH in projection.attention
    ):
        found.append(
            RowWarning(
                "alarm_date_mismatch",
                "Alarm Date is more than a day off the computed one. Both are shown until "
                "somebody finds out which is right; the earlier one counts.",
            )
        )
    return tuple(found)


def _program_kept(warning: RowWarning) -> RowWarning:
    if warning.code != "no_program":
        return warning
    return RowWarning(
        "program_kept",
        "The row states no program; the one on record goes on. Check that it was not changed.",
    )
