"""A second kind of paper, as an app above `documents` would add it. Its app is not installed: the
table is there for these tests alone."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from documents.kinds import ContentIsIncomplete, Kind
from documents.models import Paper, paper_constraints, to_make_index


class Card(Paper):
    """A name on a card."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "paper_tests"
        indexes = [to_make_index("card")]
        constraints = paper_constraints("card")


class CardKind(Kind[Card]):
    code = "card"
    model = Card
    template = "card.html"
    stylesheet = "summary-3.css"

    def __init__(self) -> None:
        self.failed: list[Card] = []

    def context(self, row: Card) -> dict[str, Any]:
        if not row.content.get("name"):
            raise ContentIsIncomplete
        return {"greeting": "good morning"}

    def on_failed(self, row: Card, now: datetime) -> None:
        self.failed.append(row)


CARD = CardKind()
