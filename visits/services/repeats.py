"""Whether a form that comes a second time says the same as the first time."""

from alarms.selectors.inputs import domain_program
from core.rules import RuleViolation
from dosing.selectors import steps_of
from pumps.models import Pump
from visits.models import Visit

from .entry import BridgeEntry, VisitEntry

FILL_FIELDS = (
    "volume_ml", "concentration_mcg_per_ml", "stability_days", "use_by", "aspirated_ml", "product",
    "lot_number", "expires_on",
)  # fmt: skip


def check_same(saved: Visit, entry: VisitEntry, pump: Pump) -> None:
    """Refuse a second entry under one key that says something else: it must not vanish.

    Raises:
        RuleViolation: `key_used`.
    """
    if saved.pump_id != pump.pk or not _same(saved, entry):
        raise RuleViolation.of(
            "key",
            "key_used",
            "This form was saved already, with other values than these. These were not saved: "
            "look at the recorded visit in the patient's history; save again only for a second "
            "visit.",
        )


def _same(saved: Visit, entry: VisitEntry) -> bool:
    seen = saved.interrogation
    stored = (
        saved.at,
        saved.ordered_by,
        saved.note,
        seen and seen.printed_alarm_date,
        seen and seen.reservoir_volume_ml,
        saved.program.reason if saved.program else "",
        saved.concern_reason,
        saved.bridge and BridgeEntry(saved.bridge.dose_mcg, saved.bridge.minutes),
    )
    typed = (
        entry.at,
        entry.ordered_by,
        entry.note.strip(),
        entry.printed_alarm_date,
        entry.reservoir_volume_ml,
        entry.reason.strip() if entry.program else "",
        entry.concern_reason.strip() if saved.concerns else "",  # kept only with a warning
        entry.bridge,
    )
    return stored == typed and _same_fill(saved, entry) and _same_program(saved, entry)


def _same_fill(saved: Visit, entry: VisitEntry) -> bool:
    if saved.fill is None or entry.fill is None:
        return saved.fill is None and entry.fill is None
    return all(getattr(saved.fill, name) == getattr(entry.fill, name) for name in FILL_FIELDS)


def _same_program(saved: Visit, entry: VisitEntry) -> bool:
    if saved.program is None or entry.program is None:
        return saved.program is None and entry.program is None
    steps = steps_of([saved.program.pk])[saved.program.pk]
    return domain_program(saved.program, steps) == entry.program
