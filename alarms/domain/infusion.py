"""How much the pump has delivered at an instant, and at which instant it has delivered so much.

Time is whole microseconds since 1970 (UTC); volumes are exact fractions of a mL. A program's week
is prepared once as whole numbers with running sums, so an instant is found by a division for the
whole weeks and one bisection: the cost does not grow with the length of the interval.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, lcm
from typing import Final

from dosing.domain.pattern import MINUTES_A_WEEK, Pattern, daily_volumes_ml, pattern_of
from dosing.domain.programs import Bolus, Program

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MINUTE_US: Final = 60_000_000
WEEK_US: Final = MINUTES_A_WEEK * MINUTE_US
# 1970-01-05 was the first Monday: the pump clock's weeks are counted from it.
MONDAY_US: Final = 4 * 1440 * MINUTE_US


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant."""
    return (instant - EPOCH) // MICROSECOND


@dataclass(frozen=True, slots=True)
class PreparedProgram:
    """A program's week in whole numbers, with running sums.

    `rates` are units per microsecond, `scale` units make one mL; `sums[i]` is what the week has
    delivered at `starts[i]`, the last one the whole week's. `daily_ml` are the largest and the
    smallest day's volumes.
    """

    program: Program
    concentration_mcg_per_ml: Decimal
    pattern: Pattern
    daily_ml: tuple[Fraction, Fraction]
    starts: tuple[int, ...]
    rates: tuple[int, ...]
    sums: tuple[int, ...]
    scale: int
    origin_us: int

    def delivered_since_origin(self, at_us: int) -> int:
        """Units from the origin of the pump clock's weeks until `at_us`."""
        weeks, within = divmod(at_us - self.origin_us, WEEK_US)
        step = bisect_right(self.starts, within) - 1
        in_week = self.sums[step] + self.rates[step] * (within - self.starts[step])
        return weeks * self.sums[-1] + in_week

    def reaches(self, total: Fraction) -> Fraction | None:
        """The first instant at which `delivered_since_origin` is at least `total`; never: None."""
        whole_week = self.sums[-1]
        if not whole_week:
            return None
        weeks, rest = divmod(total, whole_week)
        if not rest:  # reached within the week before, at the end of its last running step
            weeks, rest = weeks - 1, Fraction(whole_week)
        step = bisect_left(self.sums, rest) - 1
        within = self.starts[step] + (rest - self.sums[step]) / self.rates[step]
        return self.origin_us + weeks * WEEK_US + within


def prepare(
    program: Program, fill_concentration: Decimal, min_ml_per_day: Decimal
) -> PreparedProgram:
    """Prepare a program; one without a concentration has the fill's, in mcg/mL."""
    concentration = program.concentration_mcg_per_ml or fill_concentration
    pattern = pattern_of(program, concentration, min_ml_per_day)
    days = daily_volumes_ml(pattern)
    common = lcm(*(rate.denominator for rate in pattern.ml_per_minute))
    rates = tuple(rate.numerator * (common // rate.denominator) for rate in pattern.ml_per_minute)
    starts = tuple(start * MINUTE_US for start in pattern.starts)
    lengths = [end - start for start, end in pairwise((*starts, WEEK_US))]
    steps = (rate * length for rate, length in zip(rates, lengths, strict=True))
    return PreparedProgram(
        program=program,
        concentration_mcg_per_ml=concentration,
        pattern=pattern,
        daily_ml=(max(days), min(days)),
        starts=starts,
        rates=rates,
        sums=(0, *accumulate(steps)),
        scale=common * MINUTE_US,
        origin_us=MONDAY_US - program.utc_offset_minutes * MINUTE_US,
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which one program, or none, runs, with the same boluses.

    `end_us` None: for ever. `before_ml`: delivered before it since the fill. `program` None: a
    bridge bolus replaces it, or none has begun. `bolus_ml_per_us` comes on top.
    """

    start_us: int | Fraction
    end_us: int | Fraction | None
    before_ml: Fraction
    program: PreparedProgram | None
    bolus_ml_per_us: Fraction

    def delivered_at(self, at_us: int | Fraction) -> Fraction:
        """mL delivered since the fill at an instant of this segment."""
        found = self.before_ml + self.bolus_ml_per_us * (at_us - self.start_us)
        if self.program is not None:
            found += _program_ml(self.program, self.start_us, at_us)
        return found

    def reaches(self, total_ml: Fraction) -> Fraction | None:
        """The first instant of this segment with `total_ml` delivered, as if it had no end."""
        if total_ml <= self.before_ml:
            return Fraction(self.start_us)
        if self.program is None or not self.program.sums[-1]:
            if not self.bolus_ml_per_us:
                return None
            return self.start_us + (total_ml - self.before_ml) / self.bolus_ml_per_us
        if not self.bolus_ml_per_us:
            units = (total_ml - self.before_ml) * self.program.scale
            return self.program.reaches(_units(self.program, self.start_us) + units)
        return self._reaches_with_both(total_ml)

    def _reaches_with_both(self, total_ml: Fraction) -> Fraction | None:
        """With a bolus on top: the whole weeks by division, then step by step within one."""
        assert self.program is not None
        assert self.end_us is not None
        week_ml = Fraction(self.program.sums[-1], self.program.scale)
        week_ml += self.bolus_ml_per_us * WEEK_US
        weeks = ceil((total_ml - self.before_ml) / week_ml) - 1  # it is reached in the week after
        at: int | Fraction = self.start_us + weeks * WEEK_US
        before = self.before_ml + weeks * week_ml
        while at < self.end_us:
            rate, until = _rate_and_end(self.program, at)
            until = min(until, self.end_us)
            both = rate + self.bolus_ml_per_us
            after = before + both * (until - at)
            if after >= total_ml:
                return at + (total_ml - before) / both
            at, before = until, after
        return None


def _units(program: PreparedProgram, at_us: int | Fraction) -> Fraction:
    """As `delivered_since_origin`, also between two microseconds."""
    whole = at_us // 1
    units = Fraction(program.delivered_since_origin(int(whole)))
    if whole != at_us:
        rate, _ = _rate_and_end(program, whole)
        units += rate * program.scale * (at_us - whole)
    return units


def _program_ml(
    program: PreparedProgram, start_us: int | Fraction, end_us: int | Fraction
) -> Fraction:
    return (_units(program, end_us) - _units(program, start_us)) / program.scale


def _rate_and_end(
    program: PreparedProgram, at_us: int | Fraction
) -> tuple[Fraction, int | Fraction]:
    """The rate in mL per microsecond at an instant, and until when it holds."""
    within = (at_us - program.origin_us) % WEEK_US
    step = bisect_right(program.starts, within) - 1
    ends = program.starts[step + 1] if step + 1 < len(program.starts) else WEEK_US
    return Fraction(program.rates[step], program.scale), at_us + (ends - within)


def highest_rate(
    program: PreparedProgram, start_us: int | Fraction, end_us: int | Fraction
) -> Fraction:
    """The program's highest rate in a stretch of time, in mL per microsecond."""
    at = start_us
    end_us = min(end_us, start_us + WEEK_US)  # after a week it repeats
    highest = Fraction(0)
    while at < end_us:
        rate, at = _rate_and_end(program, at)
        highest = max(highest, rate)
    return highest


class Delivery:
    """What runs from a fill on: programs one after another, and boluses."""

    def __init__(
        self,
        start_us: int,
        programs: Sequence[PreparedProgram],
        boluses: Sequence[Bolus],
        concentration_mcg_per_ml: Decimal,
    ) -> None:
        """
        Args:
            start_us: the fill's instant.
            programs: in order, the first in force at the fill.
            boluses: all of them; of one that began before the fill the rest counts.
            concentration_mcg_per_ml: of the fill's drug, which bolus doses are of.
        """
        self.start_us = start_us
        self.segments = _segments(start_us, programs, boluses, concentration_mcg_per_ml)
        self._starts = [segment.start_us for segment in self.segments]
        self._before = [segment.before_ml for segment in self.segments]

    def delivered_ml(self, at_us: int | Fraction) -> Fraction:
        """mL delivered from the fill until an instant; 0 before the fill."""
        if at_us <= self.start_us:
            return Fraction(0)
        segment = self.segments[bisect_right(self._starts, at_us) - 1]
        return segment.delivered_at(at_us)

    def reaches(self, total_ml: Fraction) -> Fraction | None:
        """The first instant, in microseconds, with `total_ml` delivered; None when never."""
        if total_ml <= 0:
            return Fraction(self.start_us)
        # The last segment that begins with less: no later one can reach it first.
        return self.segments[bisect_left(self._before, total_ml) - 1].reaches(total_ml)


def bolus_span(bolus: Bolus) -> tuple[int, Fraction]:
    """From when to when a bolus runs, in microseconds."""
    start = to_us(bolus.at)
    return start, start + Fraction(bolus.minutes) * MINUTE_US


@dataclass(slots=True)
class BolusChange:
    """What begins (positive) and ends (negative) at one instant.

    `rate` in mL per microsecond; how many boluses, and how many that replace the program.
    """

    rate: Fraction = Fraction(0)
    count: int = 0
    replacing: int = 0

    def add(self, rate: Fraction, sign: int, replaces: bool) -> None:
        """One bolus that begins (`sign` 1) or ends (−1)."""
        self.rate += sign * rate
        self.count += sign
        self.replacing += sign * replaces


def bolus_changes(
    boluses: Sequence[Bolus], concentration_mcg_per_ml: Decimal
) -> dict[int | Fraction, BolusChange]:
    """The instants at which boluses begin and end, in microseconds."""
    changes: dict[int | Fraction, BolusChange] = defaultdict(BolusChange)
    for bolus in boluses:
        start, end = bolus_span(bolus)
        volume_ml = Fraction(bolus.dose_mcg) / Fraction(concentration_mcg_per_ml)
        rate = volume_ml / (end - start)
        changes[start].add(rate, 1, bolus.replaces_program)
        changes[end].add(rate, -1, bolus.replaces_program)
    return changes


def _segments(
    start_us: int,
    programs: Sequence[PreparedProgram],
    boluses: Sequence[Bolus],
    concentration: Decimal,
) -> list[Segment]:
    changes = bolus_changes(boluses, concentration)
    begins = [max(to_us(prepared.program.effective_at), start_us) for prepared in programs]
    cuts = sorted({start_us, *begins, *changes})
    segments: list[Segment] = []
    before, rate, replacing = Fraction(0), Fraction(0), 0
    for start, end in pairwise([*cuts, None]):
        assert start is not None  # only the last cut is open
        if start in changes:
            rate += changes[start].rate
            replacing += changes[start].replacing
        if start < start_us:  # of a bolus that began before the fill, the rest counts
            continue
        index = bisect_right(begins, start) - 1
        program = None if replacing or index < 0 else programs[index]
        segment = Segment(start, end, before, program, rate)
        segments.append(segment)
        if end is not None:
            before = segment.delivered_at(end)
    return segments
