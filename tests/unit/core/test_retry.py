"""When to try again after a failure."""

from datetime import UTC, datetime, timedelta

from core.retry import next_attempt

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_the_wait_doubles_up_to_an_hour_and_is_spread() -> None:
    waits = [next_attempt(NOW, n, 999) - NOW for n in range(1, 40)]
    assert waits == sorted(waits)
    assert timedelta(seconds=29) < waits[0] <= timedelta(seconds=30)
    assert timedelta(minutes=59) < waits[-1] <= timedelta(hours=1)
    assert next_attempt(NOW, 1, 0) - NOW == timedelta(seconds=15)
