"""When to try again. No clock, no chance: both are arguments."""

from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=30)
CAP: Final = timedelta(hours=1)


def next_attempt(now: datetime, attempts: int, jitter: int) -> datetime:
    """When to try again after `attempts` failures: doubling, at most an hour, spread by chance.

    Args:
        jitter: 0 to 999. Half of the wait is fixed, so that no row is hammered at once.
    """
    wait = CAP if attempts > 10 else min(CAP, FIRST * 2 ** max(0, attempts - 1))
    return now + wait / 2 + wait / 2 * jitter // 1000
