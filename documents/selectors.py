"""Whether the papers are made, whatever their kind."""

from datetime import datetime, timedelta
from typing import Final

from .kinds import kinds
from .models import Paper

WAITS_TOO_LONG: Final = timedelta(minutes=10)


def papers_wait(now: datetime) -> bool:
    """Whether one that somebody needs is not made though it was written more than ten minutes
    ago."""
    return any(
        kind.wanted(
            kind.model._base_manager.filter(
                state=Paper.State.PENDING,
                replaced_at__isnull=True,
                created_at__lt=now - WAITS_TOO_LONG,
            )
        ).exists()
        for kind in kinds()
    )


def pdf_is_missing() -> bool:
    """Whether the paper made last has no PDF: the worker can't make any."""
    made = []
    for kind in kinds():
        rows = kind.model._base_manager.filter(rendered_at__isnull=False)
        made += rows.order_by("-rendered_at").values_list("rendered_at", "pdf_missing")[:1]
    return bool(made) and bool(max(made)[1])
