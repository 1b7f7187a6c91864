"""What an error of the mail server means, and when to try again. No clock, no chance: both are
arguments."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What came of one attempt."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"  # the server may have it: sent again under the same Message-ID


class Stage(StrEnum):
    """Where in the conversation it went wrong."""

    CONNECT = "connect"
    GREETING = "greeting"  # HELO, TLS, sign-in, MAIL FROM: what the server thinks of us
    RECIPIENT = "recipient"
    CONTENT = "content"
    LOST = "lost"  # the connection broke at a point that we can't tell
    OURS = "ours"  # the message could not even be made


@dataclass(frozen=True, slots=True)
class Verdict:
    """An attempt's outcome. With `channel` the fault is in our mail set-up and concerns every
    message: the rows wait and one person is told, instead of each row dying."""

    outcome: Outcome
    channel: bool = False


FIRST: Final = timedelta(seconds=30)
CAP: Final = timedelta(hours=1)
WORKERS_LOST: Final = 5  # a row that keeps killing its worker ends at a person


def judge(stage: Stage, code: int | None) -> Verdict:
    """What an error means for the message."""
    match stage:
        case Stage.LOST:
            return Verdict(Outcome.UNKNOWN)
        case Stage.OURS:
            return Verdict(Outcome.PERMANENT)
        case Stage.CONNECT:
            return Verdict(Outcome.TEMPORARY, channel=True)
        case Stage.GREETING:
            return Verdict(Outcome.TEMPORARY, channel=code is None or code >= 500)
    if code is not None and 500 <= code < 600:
        return Verdict(Outcome.PERMANENT)
    return Verdict(Outcome.TEMPORARY)


def next_attempt(now: datetime, attempts: int, jitter: int) -> datetime:
    """When to try again after `attempts` failures: doubling, at most an hour, spread by chance.

    Args:
        jitter: 0 to 999. Half of the wait is fixed, so that no row is hammered at once.
    """
    wait = CAP if attempts > 10 else min(CAP, FIRST * 2 ** max(0, attempts - 1))
    return now + wait / 2 + wait / 2 * jitter // 1000


def is_too_late(next_at: datetime, expires_at: datetime) -> bool:
    """Whether there is no time left for another attempt: then a person takes over."""
    return next_at >= expires_at
