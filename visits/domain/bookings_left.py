"""What a visit leaves booked: an appointment does not move with the dates by itself."""

from collections.abc import Iterator
from datetime import date

from alarms.domain.deadlines import Deadlines, Limit, is_past_due, is_too_late
from alarms.domain.projection import Known
from core.words import format_date

from .proposal import Before, Concern, Proposed


def bookings_left(
    before: Before, proposed: Proposed, after: Known, deadlines: Deadlines
) -> Iterator[Concern]:
    """The appointments to come that do not fit the new dates."""
    yield from _booked(before, proposed, after)
    yield from _booked_late(before, proposed, deadlines)


def _booked(before: Before, proposed: Proposed, after: Known) -> Iterator[Concern]:
    """An appointment that was for this refill must not stand for the next one."""
    if proposed.fill is None:
        return
    for starts_at in before.coming:
        local = starts_at.astimezone(before.zone)
        if local.date() < after.window_opens_on:
            yield Concern(
                "booked_before_window",
                f"Still booked for {format_date(local.date())} {local:%H:%M}",
                "That is before the next refill's window opens. Was it for this refill? After "
                "saving, cancel it or move it: until then it counts as the next visit, on the "
                "family's paper too.",
            )


def _booked_late(before: Before, proposed: Proposed, dates: Deadlines) -> Iterator[Concern]:
    """A visit moves the dates; what is booked stays where it was unless somebody moves it."""
    if dates.due is None:
        return
    refilled, visit_day = proposed.fill is not None, proposed.at.astimezone(before.zone).date()
    days = [at.astimezone(before.zone).date() for at in before.coming]
    # After a refill what comes before its window is no next refill: `_booked` asks about it.
    days = [day for day in days if not refilled or dates.opens is None or day >= dates.opens]
    # Before the day of the visit's own appointment there is nothing to move it to.
    if any(day <= visit_day or not _is_late(day, dates) for day in days):
        return
    for day in days:
        urgent, booked = is_too_late(day, dates), format_date(day)
        if is_past_due(day, dates):
            late = (day - dates.due).days
            how = f"is {late} {'day' if late == 1 else 'days'} after the new refill date"
            title = f"Booked {booked} {how} {format_date(dates.due)}: move it after saving"
        else:
            assert dates.limit is not None
            title = f"Booked {booked}, but {_in_words(dates.limit)}: move it after saving"
        yield Concern(
            "booked_late",
            title,
            f"{_limits(day, dates)}Nobody moves it by itself. After saving, move the appointment, "
            "or write here why it may stand.",
            urgent=urgent,
        )


def _is_late(day: date, dates: Deadlines) -> bool:
    return is_past_due(day, dates) or is_too_late(day, dates)


def _limits(day: date, dates: Deadlines) -> str:
    """`Its alarm comes on 29-Dec-2026. It may be empty from 26-Dec-2026. `, what is reached."""
    rows = (
        ("alarm", dates.alarm),
        ("printed_alarm", dates.printed_alarm),
        ("may_be_empty", dates.may_be_empty),
        ("empty", dates.empty),
    )
    said = [_in_words(Limit(limit, kind)) for kind, limit in rows if limit and limit <= day]
    return "".join(f"{one[:1].upper()}{one[1:]}. " for one in said)


def _in_words(limit: Limit) -> str:
    """`the pump may be empty from 26-Dec-2026`"""
    what = {
        "alarm": "its alarm comes on",
        "printed_alarm": "the printed alarm date is",
        "may_be_empty": "the pump may be empty from",
        "empty": "the pump is empty on",
    }[limit.kind]
    return f"{what} {format_date(limit.day)}"
