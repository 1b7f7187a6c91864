"""Work that one worker holds for a time: claimed, held, recorded behind a fence, and freed when the
worker is gone.

A lease is a row's own columns. Its times are the database's, since two workers' clocks may differ,
and its holder is a name that nobody used before: who is named in the row is who took it last.
"""

from datetime import timedelta
from typing import Any, Final, TypeVar

from django.db import connection, models, transaction
from django.db.models import Func, Q, QuerySet

CLOCK: Final = Func(function="CLOCK_TIMESTAMP", output_field=models.DateTimeField())
FREE: Final = Q(lease_until__isnull=True)
HELD: Final = Q(lease_until__gt=CLOCK)
RUN_OUT: Final = Q(lease_until__lt=CLOCK)
DUE: Final = Q(not_before__lte=CLOCK)  # of a table that has the column
AT_ONCE: Final = 200  # rows freed in one run; the next run takes the rest

# Materialized: as a subquery of the UPDATE, a nested loop would run it again for each row and
# lease more rows than it answers.
_CLAIM: Final = """
WITH due AS MATERIALIZED ({due} FOR UPDATE OF {table} SKIP LOCKED)
UPDATE {table} AS held
   SET lease_until = clock_timestamp() + %s::interval, lease_by = %s,
       attempts = held.attempts + 1{also}
  FROM due WHERE held.id = due.id
RETURNING held.id
"""


class LeaseLostError(Exception):
    """Somebody else has the row now, or nobody may have it any more."""


class Leased(models.Model):
    """A row that a worker takes for a time."""

    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=32, blank=True)

    class Meta:
        abstract = True

    def let_go(self) -> None:
        """Nobody holds it any more, once this is saved. It may have been held by another: then
        that one finds the fence shut."""
        self.lease_until, self.lease_by = None, ""


M = TypeVar("M", bound=Leased)


def lease_has_a_holder(name: str, **work: Any) -> models.CheckConstraint:
    """The constraint that a lease names who holds it, and is on a row that is `work` alone."""
    return models.CheckConstraint(
        condition=Q(lease_until__isnull=True, lease_by="")
        | (Q(lease_until__isnull=False, **work) & ~Q(lease_by="")),
        name=name,
    )


@transaction.atomic
def claim(
    due: QuerySet[M], *, worker: str, lease: timedelta, limit: int = 1, also: str = ""
) -> list[int]:
    """Take up to `limit` rows for the length of the lease.

    The attempt is counted before anything is tried: a row that kills its worker is counted too.

    Args:
        due: the rows that may be taken, in the order in which they are.
        worker: a name of its own for each claim, or for each holder that recovers nothing.
        also: more assignments of the UPDATE, in SQL of the caller's own; `held` is the row.

    Returns:
        Their ids, in no order.
    """
    table = connection.ops.quote_name(due.model._meta.db_table)
    chosen, values = due.values("id")[:limit].query.sql_with_params()
    claiming = _CLAIM.format(due=chosen, table=table, also=f", {also}" if also else "")
    with connection.cursor() as cursor:
        cursor.execute(claiming, [*values, f"{lease.total_seconds()} seconds", worker])
        return [row[0] for row in cursor.fetchall()]


def hold(row: Leased, *, worker: str, lease: timedelta, **changes: Any) -> bool:
    """Lengthen a lease that still runs, and write `changes` with it.

    Returns:
        False when it is lost: then nothing was written, and nothing may be done for the row.
    """
    mine = type(row)._base_manager.filter(HELD, pk=row.pk, lease_by=worker)
    return bool(mine.update(lease_until=CLOCK + lease, **changes))


def fenced(rows: QuerySet[M], pk: int, *, worker: str, late: bool = False) -> M:
    """The row, locked, for its holder to say what came of it.

    Args:
        late: also after the lease has run out, as long as nobody else has freed or taken the row:
            for work that is done and can't be undone, which is better told late than not.

    Raises:
        LeaseLostError: it is not this worker's to say.
    """
    mine = rows.select_for_update(of=("self",)).filter(pk=pk, lease_by=worker)
    row = (mine if late else mine.filter(HELD)).first()
    if row is None:
        raise LeaseLostError
    return row


def lost(rows: QuerySet[M]) -> list[int]:
    """The ids of rows whose worker is gone, the oldest first, as many as one run frees."""
    return list(rows.filter(RUN_OUT).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def lock_lost(rows: QuerySet[M], pk: int) -> M | None:
    """The row, locked, if its worker is gone; None when somebody else has freed it or does so."""
    gone = rows.select_for_update(of=("self",), skip_locked=True).filter(RUN_OUT, pk=pk)
    return gone.first()
