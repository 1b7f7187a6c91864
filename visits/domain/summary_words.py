"""The words on the paper that a family takes home: dates and doses written out, and what it says.

Plain English of the sixth grade; a test reads every sentence of `FIXED`. Numbers are exact, each
with its unit.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from core.quantities import format_quantity
from core.words import WEEKDAY_NAMES
from dosing.domain.programs import WEEK

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

UNKNOWN_DATES: Final = (
    "We do not know the date of your next refill yet.",
    "We will call you with the date.",
    "Call us if you hear nothing by tomorrow.",
)
BEFORE_ALARM: Final = "Come before this day. Always know this date."
NO_ALARM_FIRST: Final = "Come by the refill date, even if the pump does not beep."
EARLIER_OF_TWO: Final = (
    "The pump printout and our own count differ. We wrote down the earlier date. Go by this one."
)
PAST: Final = "This day has passed. Call us today."
TODAY: Final = "That is today. Call us now."
VISIT_TOO_LATE: Final = "This visit is too late for the pump. Call us today for an earlier one."
NOT_BOOKED: Final = "Not booked yet"
STOPPED: Final = "The pump is stopped. It gives no medicine now."
LOWEST: Final = "The pump runs at its lowest speed. It gives very little medicine now."
NO_CHANGE: Final = "The dose did not change today."
HIGHER: Final = (
    "The dose went up. You may be a little sleepy for a few days. "
    "If it does not get better in a week, call us."
)
LOWER: Final = "The dose went down. The muscles may feel tighter. If this gets worse, call us."
BRIDGE: Final = (
    "First the pump uses up the medicine in its tube, at the old dose. The new medicine begins:"
)
PUMP_CLOCK: Final = (
    "The pump has its own clock. It does not change when the clocks change in spring and fall."
)
CREAM: Final = ("Put on the numbing cream", "one hour before", "the next refill.")
WARNINGS: Final = (
    (
        "The medicine may be running out:",
        "the muscles get much tighter, there is itching with no rash, or a fever.",
    ),
    (
        "There may be too much medicine:",
        "very sleepy, weak, dizzy, slow breathing, or hard to wake.",
    ),
    ("The pump beeps.", "Do not wait for it to stop."),
)
EMERGENCY: Final = (
    "Call 911 for trouble breathing, a high fever, confusion, or if you cannot wake the person."
)
QUESTIONS: Final = (
    "When does the pump run low?",
    "What would you notice first if the medicine ran out?",
    "Who do you call at night?",
)
NO_PHONE: Final = "No phone number is set. Ask the nurse to write it here before you go."
FIXED: Final = (
    *UNKNOWN_DATES, BEFORE_ALARM, NO_ALARM_FIRST, EARLIER_OF_TWO, PAST, TODAY,
    VISIT_TOO_LATE, NOT_BOOKED, STOPPED, LOWEST, NO_CHANGE, HIGHER, LOWER, BRIDGE, PUMP_CLOCK,
    " ".join(CREAM),
    *(" ".join(pair) for pair in WARNINGS), EMERGENCY, *QUESTIONS, NO_PHONE,
)  # fmt: skip


def day(value: date) -> str:
    """`March 9, 2027`."""
    return f"{MONTHS[value.month - 1]} {value.day}, {value.year}"


def weekday(value: date) -> str:
    """`Tuesday, March 9, 2027`."""
    return f"{WEEKDAY_NAMES[value.weekday()]}, {day(value)}"


def unbroken(text: str) -> str:
    """The date kept on one line after its weekday, which may stand on a line of its own."""
    name, comma, rest = text.partition(", ")
    return name + comma + rest.replace(" ", "\u00a0")


def clock(minute: int) -> str:
    """`7:30 p.m.`, `noon`, `midnight`, from the minute of the day."""
    if minute % 1440 == 0:
        return "midnight"
    if minute == 720:
        return "noon"
    hour, rest = divmod(minute, 60)
    half = "a.m." if hour < 12 else "p.m."
    return f"{(hour - 1) % 12 + 1}:{rest:02d} {half}"


def time_of(value: datetime) -> str:
    """`9:30 a.m.` of a local time."""
    return clock(value.hour * 60 + value.minute)


def micrograms(value: Fraction | Decimal) -> str:
    """`600 micrograms (mcg)`: the unit written out, since “ug” and “mg” have been confused."""
    return format_quantity(value, "micrograms (mcg)", places=2)


def a_day(value: Fraction | Decimal) -> str:
    """`600 micrograms (mcg) a day`."""
    return f"{micrograms(value)} a day"


def duration(minutes: int) -> str:
    """`6 hours`, `90 minutes`, `1 hour`."""
    number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def days_of(names: Sequence[str]) -> str:
    """`Every day`, `Monday to Friday`, `Tuesday and Thursday`."""
    numbers = sorted(WEEK.index(name) for name in names)
    if len(numbers) == len(WEEK):
        return "Every day"
    words = [WEEKDAY_NAMES[number] for number in numbers]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{words[0]} to {words[-1]}"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
