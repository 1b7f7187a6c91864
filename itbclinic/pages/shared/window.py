"""The five weeks from today as a bar: where the refill window, the alarm and the booking lie."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from core import words

DAYS: Final = 35
WIDTH: Final = 245
PER_DAY: Final = WIDTH // DAYS


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of days; `x` and `width` in the drawing's units."""

    kind: str  # window | late | alarm | empty
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A day with a label; the label stands left of it (`end`) where the right has no room."""

    kind: str  # alarm | empty | limit
    x: int
    label: str
    anchor: str
    text_x: int
    above: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """The drawing and the sentence that says the same."""

    description: str
    segments: list[Segment] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    booked_x: int | None = None
    later: str = ""  # said instead where nothing happens within the five weeks

    @property
    def track(self) -> int:
        """How far the bar is drawn full: what is empty is only a line."""
        return min((s.x for s in self.segments if s.kind == "empty"), default=WIDTH)

    @property
    def top(self) -> int:
        """Where the drawing begins: lower when nothing is written above the bar."""
        return 0 if any(mark.above for mark in self.marks) else 12

    @property
    def height(self) -> int:
        """How high it is: less when nothing is written below the bar."""
        below = self.later or any(not mark.above for mark in self.marks)
        return (40 if below else 27) - self.top


@dataclass(frozen=True, slots=True)
class Dates:
    """What the bar draws. `limit` is the refill date where another clock than the alarm binds."""

    today: date
    opens: date
    due: date
    alarm: date | None
    empty: date | None
    limited: bool
    booked: date | None


def draw(dates: Dates) -> Bar:
    """The bar of one pump."""
    last = dates.today + timedelta(days=DAYS)
    alarm = dates.alarm or date.max
    empty = dates.empty or date.max
    segments = [
        _segment("window", dates.opens, min(dates.due, alarm), dates.today),
        _segment("late", dates.due, alarm, dates.today),
        _segment("alarm", alarm, empty, dates.today),
        _segment("empty", empty, date.max, dates.today),
    ]
    marks = [
        _mark("limit", dates.due if dates.limited else None, dates.today, above=True),
        _mark("alarm", dates.alarm, dates.today, above=not dates.limited),
        _mark("empty", None if dates.limited else dates.empty, dates.today, above=False),
    ]
    booked = dates.booked
    return Bar(
        description=describe(dates),
        segments=[segment for segment in segments if segment],
        marks=[mark for mark in marks if mark],
        booked_x=_x(booked, dates.today) if booked and dates.today <= booked < last else None,
        later=f"window opens {words.day(dates.opens)}" if dates.opens >= last else "",
    )


def svg(bar: Bar) -> SafeString:
    """The bar as SVG: geometry in attributes, colour in classes (docs/design.md)."""
    parts = [
        f'<svg class="bar" viewBox="0 {bar.top} {WIDTH} {bar.height}" role="img"'
        f' aria-label="{escape(bar.description)}">'
        f'<rect class="track" y="15" width="{bar.track}" height="9"/>'
    ]
    for segment in bar.segments:
        y, height = (18, 3) if segment.kind == "empty" else (15, 9)
        parts.append(
            f'<rect class="s-{segment.kind}" x="{segment.x}" y="{y}"'
            f' width="{segment.width}" height="{height}"/>'
        )
    weeks = range(7 * PER_DAY, WIDTH, 7 * PER_DAY)
    parts += [f'<line class="week" x1="{x}" x2="{x}" y1="15" y2="24"/>' for x in weeks]
    for mark in bar.marks:
        y1, y2, text_y = (3, 26, 11) if mark.above else (13, 37, 36)
        parts.append(
            f'<line class="m-{mark.kind}" x1="{mark.x}" x2="{mark.x}" y1="{y1}" y2="{y2}"/>'
            f'<text class="t-{mark.kind}" x="{mark.text_x}" y="{text_y}"'
            f' text-anchor="{mark.anchor}">{escape(mark.label)}</text>'
        )
    if bar.booked_x is not None:
        parts.append(f'<circle class="booked" cx="{bar.booked_x}" cy="19.5" r="5.5"/>')
    if bar.later:
        parts.append(f'<text x="0" y="36">{escape(bar.later)}</text>')
    return mark_safe("".join([*parts, "</svg>"]))  # noqa: S308  # every text is escaped


def describe(dates: Dates) -> str:
    """The bar in one sentence, for those who do not see it."""
    parts = [
        f"Refill window {words.day(dates.opens)} to {words.day(dates.due)}",
        f"alarm {words.day(dates.alarm)}" if dates.alarm else "no alarm",
        f"empty {words.day(dates.empty)}" if dates.empty else "",
        f"booked {words.day(dates.booked)}" if dates.booked else "not booked",
    ]
    return ", ".join(part for part in parts if part) + "."


def _x(value: date, today: date) -> int:
    return min(max((value - today).days, 0), DAYS) * PER_DAY


def _segment(kind: str, start: date, end: date, today: date) -> Segment | None:
    x, end_x = _x(start, today), _x(end, today)
    return Segment(kind, x, end_x - x) if end_x > x else None


def _mark(kind: str, at: date | None, today: date, *, above: bool) -> Mark | None:
    if at is None or not 0 <= (at - today).days < DAYS:
        return None
    x = max(_x(at, today), 1)
    left = x > WIDTH * 3 // 5
    return Mark(
        kind=kind,
        x=x,
        label=f"{kind} {words.day_short(at)}",
        anchor="end" if left else "start",
        text_x=x - 4 if left else x + 4,
        above=above,
    )
