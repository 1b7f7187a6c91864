"""The kinds of paper: what each tells the engine.

A kind is a class of the app whose facts it prints, and one line in `settings.PAPER_KINDS`. The
engine makes it, keeps it, gives it out; it knows nothing of what it says.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from .models import Paper

P = TypeVar("P", bound=Paper)


class ContentIsIncomplete(Exception):
    """What was written for the paper lacks a part that nobody may miss."""


class Kind(ABC, Generic[P]):
    """One kind of paper."""

    code: str  # in audit events (`<code>.printed`), refusals and the log; a person reads it
    model: type[P]
    template: str  # the whole HTML document
    stylesheet: str  # in `static/`, with a number: papers that were made before keep theirs
    # Classes of the stylesheet, the largest first: the first that fits on one sheet is taken, the
    # last also where more sheets are needed.
    sizes: tuple[str, ...] = ("",)
    related: tuple[str, ...] = ("clinic",)  # what is read with a row, for `select_related`

    @abstractmethod
    def context(self, row: P) -> dict[str, Any]:
        """What the template is given besides the content, its size, language and version.

        Raises:
            ContentIsIncomplete: half a paper must never be printed.
        """

    @abstractmethod
    def on_failed(self, row: P, now: datetime) -> None:
        """It could not be written, or was tried often enough: make it a person's task.

        Within the transaction that says so, with the row locked.
        """

    def on_made(self, row: P, now: datetime) -> None:
        """It was made; a task that said otherwise is settled. Within the same transaction."""

    def wanted(self, rows: QuerySet[P]) -> QuerySet[P]:
        """Those of the rows that somebody still needs. No joins: they are locked as they are
        claimed; ask other tables by `Exists`."""
        return rows


def kinds() -> list[Kind[Any]]:
    """Every kind of paper, as the settings name them."""
    return [import_string(path) for path in settings.PAPER_KINDS]
