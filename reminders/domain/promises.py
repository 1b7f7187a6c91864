"""What a message promises: the key by which the apps above know it again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Obligation:
    """What is owed: its kind, in the words of the app above, and the uuid of what it is about."""

    kind: str
    subject: str

    @property
    def text(self) -> str:
        """As the outbox keeps it: `refill:0f8b…`."""
        return f"{prefix_of(self.kind)}{self.subject}"

    @classmethod
    def read(cls, text: str) -> "Obligation":
        """The obligation that `text` wrote."""
        kind, _, subject = text.partition(":")
        return cls(kind, subject)


def prefix_of(kind: str) -> str:
    """What the text of each obligation of this kind begins with."""
    return f"{kind}:"


@dataclass(frozen=True, slots=True)
class PromiseKey:
    """One promise to one recipient.

    `stamp` is the date or the reason that it speaks of, `milestone` how far it has come,
    `recipient` the uuid of a user or a caregiver. A promise that was taken back and is owed again
    has the same key, and a row of another date version.
    """

    obligation: Obligation
    stamp: str
    milestone: str
    recipient: str
