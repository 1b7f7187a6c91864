"""What an error of the mail server means, and when it is too late. No clock: it is an argument."""

from dataclasses import dataclass
from datetime import datetime
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


def is_too_late(next_at: datetime, expires_at: datetime) -> bool:
    """Whether there is no time left for another attempt: then a person takes over."""
    return next_at >= expires_at
