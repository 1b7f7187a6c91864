"""What is unusual about a visit and needs a written reason (docs/algorithms/visit-checks.md)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from alarms.domain.deadlines import Deadlines
from alarms.domain.projection import Known, ProjectionInputs
from core.quantities import format_quantity
from core.words import WEEKDAYS, count, format_date
from dosing.domain.bridge import bridge
from dosing.domain.programs import Bolus, MinimumRate, Stopped

from .aspirate import Aspirate, judge
from .bookings_left import bookings_left
from .printed import likely_causes, percent_of
from .proposal import Before, Concern, Proposed, change_percent, comparison, weekday_doses

MOST_CHANGE_PERCENT: Final = 20  # 20.0 % is allowed, 21 % is not
ALIKE: Final = Fraction(1, 10)  # so far a typed bridge bolus may be off ours


def aspirate_of(before: Before, proposed: Proposed) -> Aspirate | None:
    """How what was aspirated compares; None where there is nothing to compare."""
    found = comparison(before, proposed.aspirated_ml)
    if found is None:
        return None
    assert before.fill is not None
    assert before.expected_ml is not None
    assert proposed.aspirated_ml is not None
    return judge(
        found,
        aspirated_ml=proposed.aspirated_ml,
        expected_ml=before.expected_ml,
        filled_ml=before.fill.volume_ml,
        reservoir_ml=before.limits.reservoir_ml,
    )


def concerns_of(
    before: Before,
    proposed: Proposed,
    after: Known | None,
    *,
    inputs: ProjectionInputs | None = None,
    deadlines: Deadlines | None = None,
    printed_differs: bool = False,
    other_mcg_per_ml: Sequence[Decimal] = (),
) -> tuple[Concern, ...]:
    """Everything unusual, in the order of the form.

    Args:
        after: the dates after the visit, and `inputs` what they are computed from.
        deadlines: the same dates as a booking is held against them.
        printed_differs: the printed alarm date is more than a day off ours.
        other_mcg_per_ml: concentrations that the clinic stocks.
    """
    found = [
        *_aspirated(before, proposed),
        *_expired(before, proposed),
        *_concentration(before, proposed),
        *_no_limit(proposed),
        *_stops(proposed),
        *_dose(before, proposed),
        *_shown_volume(proposed),
    ]
    if after is not None and (proposed.fill is not None or proposed.program is not None):
        found += bookings_left(before, proposed, after, deadlines or Deadlines())
        if printed_differs and inputs is not None and proposed.printed_alarm_date is not None:
            found.append(_printed(before, proposed, after, inputs, other_mcg_per_ml))
        found += _due_again(proposed, after, before)
        found += _empty_early(proposed, after, before)
    return tuple(found)


def _aspirated(before: Before, proposed: Proposed) -> Iterator[Concern]:
    found = aspirate_of(before, proposed)
    if found is None or found.level == "info":
        return
    urgent = found.level != "review"
    yield Concern(f"aspirated_{found.level}", found.title, found.text, urgent=urgent)


def _expired(before: Before, proposed: Proposed) -> Iterator[Concern]:
    """What was given must be recordable, and must not pass unseen. The day itself is good."""
    day, fill = proposed.at.astimezone(before.zone).date(), proposed.fill
    if fill is None:
        return
    for last, what in (
        (proposed.expires_on, "This drug expired on"),
        (fill.use_by, "The pharmacy's use-by date was"),
    ):
        if last is not None and last < day:
            late = (day - last).days
            yield Concern(
                "drug_expired",
                f"{what} {format_date(last)}, {late} {'day' if late == 1 else 'days'} before the "
                "visit",
                "Check the label and the date that was typed. If it is not in the pump yet, do not "
                "use it. If it was given, tell the doctor before the patient leaves, and write "
                "down what was decided.",
                urgent=True,
            )


def _no_limit(proposed: Proposed) -> Iterator[Concern]:
    """Without it a slow pump's refill is due when it is empty, with a drug that is long spoiled."""
    fill = proposed.fill
    if fill is not None and fill.stability_days is None and fill.use_by is None:
        yield Concern(
            "no_stability_limit",
            "Nothing on record says how long this drug may stay in the pump",
            "No date counts from it. Write the pharmacy's use-by date, or have the limit added to "
            "the catalogue; otherwise write down by when the drug must be changed.",
        )


def _concentration(before: Before, proposed: Proposed) -> Iterator[Concern]:
    new, old = proposed.fill, before.fill
    if new is None or old is None:
        return
    old_ml, new_ml = old.concentration_mcg_per_ml, new.concentration_mcg_per_ml
    if old_ml == new_ml:
        return
    title = (
        f"Another concentration: {format_quantity(old_ml, '')} to "
        f"{format_quantity(new_ml, 'mcg per mL')}"
    )
    computed = _computed(before, old_ml, new_ml)
    decide = (
        "Write down what was decided: a bridge bolus, the path rinsed and primed, or why neither."
    )
    counted = (
        "The bridge bolus of this visit is counted in the dates."
        if proposed.bridge is not None
        else "A bridge bolus that runs must be written under “Bridge bolus”: only then do the "
        "dates count it."
    )
    text = f"{_path_in_words(before, computed)} {decide} {counted}"
    yield Concern("concentration_change", title, text)
    if proposed.bridge is not None and computed is not None:
        yield from _bridge_differs(proposed.bridge, computed)


@dataclass(frozen=True, slots=True)
class _Computed:
    """The bridge bolus by our sum; in hours from the shortest to the longest, where a flex day has
    doses of several sizes."""

    dose_mcg: Fraction
    hours: tuple[Fraction, ...]

    def in_words(self) -> str:
        hours = " to ".join(format_quantity(one, "", 1) for one in self.hours)
        return f"{format_quantity(self.dose_mcg, 'mcg', 1)} of the new drug over {hours} h"


def _computed(before: Before, old_ml: Decimal, new_ml: Decimal) -> _Computed | None:
    program = before.program
    if before.path_ml is None or program is None:
        return None
    doses = weekday_doses(program, old_ml, before.limits.min_ml_per_day)
    if min(doses) <= 0:
        return None
    found = [
        bridge(before.path_ml, dose, old_ml, new_ml) for dose in sorted(set(doses), reverse=True)
    ]
    return _Computed(found[0].bolus_mcg, tuple(one.duration_h for one in found))


def _path_in_words(before: Before, computed: _Computed | None) -> str:
    if before.path_ml is None:
        return (
            "No catheter is recorded, so the path's volume and the bridge bolus cannot be computed "
            "here: go by the programmer."
        )
    path = f"The path to the catheter's tip holds {format_quantity(before.path_ml, 'mL')}"
    if computed is None:
        idle = ", and the old program gives nothing" if before.program else ""
        return f"{path} of the old drug{idle}."
    return f"{path} of the old drug. A bridge bolus would be {computed.in_words()}."


def _bridge_differs(typed: Bolus, computed: _Computed) -> Iterator[Concern]:
    """More than a tenth off: the programmer knows the same two volumes and the same two drugs."""
    hours = Fraction(typed.minutes) / 60
    least, most = min(computed.hours) * (1 - ALIKE), max(computed.hours) * (1 + ALIKE)
    off = abs(Fraction(typed.dose_mcg) - computed.dose_mcg) > computed.dose_mcg * ALIKE
    if off or not least <= hours <= most:
        said = f"{format_quantity(typed.dose_mcg, 'mcg')} over {format_quantity(hours, 'h', 1)}"
        yield Concern(
            "bridge_differs",
            f"The bridge bolus is {said}, ours would be {computed.in_words()}",
            "Check dose, duration and both concentrations on the programmer, and the catheter's "
            "length on record.",
            urgent=True,
        )


def _dose(before: Before, proposed: Proposed) -> Iterator[Concern]:
    new, old = proposed.program, before.program
    inside = proposed.fill or before.fill
    if new is None or old is None or inside is None:
        return
    # The old program ran on the old drug, and the new one runs on what is inside now.
    old_drug = (before.fill or inside).concentration_mcg_per_ml
    least = before.limits.min_ml_per_day
    pairs = zip(
        weekday_doses(old, old_drug, least),
        weekday_doses(new, inside.concentration_mcg_per_ml, least),
        strict=True,
    )
    large: dict[Fraction | None, list[str]] = {}
    for day, (was, will) in zip(WEEKDAYS, pairs, strict=True):
        percent = change_percent(was, will)
        if percent is None or abs(percent) > MOST_CHANGE_PERCENT:
            large.setdefault(percent, []).append(day)
    if large:
        said = [
            (percent_of(percent) if percent is not None else "from no dose")
            + ("" if len(days) == 7 else f" on {', '.join(days)}")
            for percent, days in large.items()
        ]
        yield Concern(
            "dose_change",
            f"The dose changes by {'; '.join(said)}",
            f"More than {MOST_CHANGE_PERCENT} % at once is unusual at a refill. Check the number, "
            "its unit and the mode.",
        )


def _printed(
    before: Before,
    proposed: Proposed,
    after: Known,
    inputs: ProjectionInputs,
    concentrations: Sequence[Decimal],
) -> Concern:
    printed, ours = proposed.printed_alarm_date, after.alarm_date
    assert printed is not None
    old = before.program if proposed.program is not None else None
    causes = likely_causes(inputs, ours, printed, other_mcg_per_ml=concentrations, old_program=old)
    said = format_date(ours) if ours else "no alarm at all"
    text = "Check the printout and the program on the pump before the patient leaves."
    return Concern(
        "printed_alarm_date",
        f"Two clocks disagree: the printout says {format_date(printed)}, ours is {said}",
        text if causes else f"{text} No common slip gives the printed date.",
        urgent=True,
        causes=causes,
    )


def _stops(proposed: Proposed) -> Iterator[Concern]:
    """Abrupt withdrawal can kill (boxed warning of the label)."""
    if isinstance(proposed.program, Stopped | MinimumRate):
        least = isinstance(proposed.program, MinimumRate)
        yield Concern(
            "pump_stopped",
            "From now on the pump gives almost no baclofen"
            if least
            else "From now on the pump gives no baclofen",
            "Sudden withdrawal can kill: high fever, confusion, rigid muscles. Is a plan made, by "
            "mouth or otherwise, and does the family know the signs? Write down what was decided.",
            urgent=True,
        )


def _shown_volume(proposed: Proposed) -> Iterator[Concern]:
    """After a refill the programmer shows what was filled, or it counts from another volume."""
    fill, shown = proposed.fill, proposed.reservoir_volume_ml
    if fill is not None and shown is not None and abs(shown - fill.volume_ml) > 1:
        yield Concern(
            "reservoir_volume",
            f"The programmer shows {format_quantity(shown, 'mL')}, filled were "
            f"{format_quantity(fill.volume_ml, 'mL')}",
            "The pump counts down from the volume that it was told: set the right one before the "
            "patient leaves, or its alarm comes on another day than ours.",
            urgent=True,
        )


def _due_again(proposed: Proposed, after: Known, before: Before) -> Iterator[Concern]:
    """A missing digit, 4 for 40 mL, looks like this."""
    day = proposed.at.astimezone(before.zone).date()
    if proposed.fill is None or after.window_opens_on > day:
        return
    days = (after.refill_due_on - day).days
    last = (
        f"by {format_date(after.refill_due_on)}, in {count(days, 'day')}" if days > 0 else "at once"
    )
    yield Concern(
        "due_again",
        f"The next refill is due {last}",
        f"{format_quantity(proposed.fill.volume_ml, 'mL')} do not last long at this dose. "
        "Check the volume and the dose that were typed.",
        urgent=days <= 0,
    )


def _empty_early(proposed: Proposed, after: Known, before: Before) -> Iterator[Concern]:
    """Only where the next refill is due at once: it is true of many pumps for months."""
    day = proposed.at.astimezone(before.zone).date()
    early = after.earliest_empty_date
    if early is not None and after.may_be_empty_before_alarm and after.window_opens_on <= day:
        yield Concern(
            "may_be_empty_before_alarm",
            f"May be empty from {format_date(early)}, before it beeps",
            "The next refill is due within its window already. Book it before the patient leaves, "
            "and do not count on the pump's own alarm.",
        )
