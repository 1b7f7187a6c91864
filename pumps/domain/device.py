"""When a device can have been put in and taken out. Pure."""

from datetime import date, datetime
from typing import Final

from core.rules import Problem
from core.words import format_date

LONGEST_SERIAL: Final = 40


def implant_problems(
    serial_number: str, implanted_on: date | None, born: date, today: date
) -> list[Problem]:
    """What is wrong with a device's number and its date.

    Args:
        implanted_on, today: the clinic's dates.
    """
    problems = []
    if len(serial_number) > LONGEST_SERIAL:
        text = f"A serial number has {LONGEST_SERIAL} signs at most. Check it on the device card."
        problems.append(Problem("serial_number", "too_long", text))
    if implanted_on is not None and implanted_on > today:
        text = "The implant date is in the future. Record it once the pump is in."
        problems.append(Problem("implanted_on", "date_in_future", text))
    elif implanted_on is not None and implanted_on < born:
        said = f"The patient was born {format_date(born)}"
        text = f"{said}; the implant cannot be before. Check the date."
        problems.append(Problem("implanted_on", "dates_out_of_order", text))
    return problems


def explant_problems(
    at: datetime, reason: str, now: datetime, implanted_on: date | None, born: date
) -> list[Problem]:
    """What is wrong with when and why a pump was taken out; `at` is in the clinic's zone."""
    problems = []
    if at > now:
        text = "This time is in the future. Record it once the pump is out."
        problems.append(Problem("at", "date_in_future", text))
    elif at.date() < (implanted_on or born):
        what = "The pump was implanted" if implanted_on else "The patient was born"
        text = f"{what} {format_date(implanted_on or born)}; it cannot have been taken out before. "
        problems.append(Problem("at", "dates_out_of_order", f"{text}Check the date."))
    if not reason.strip():
        problems.append(Problem("reason", "missing", "Say why the pump was taken out."))
    return problems
