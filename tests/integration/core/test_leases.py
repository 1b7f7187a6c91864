"""The lease machine on a table of its own, with real connections that claim and record at once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import pytest
import time_machine
from django.db import IntegrityError, connection, connections, models, transaction
from django.db.models import F, QuerySet

from core import leases
from core.leases import LeaseLostError
from tests.lease_support import claim_without_lock

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


class Job(leases.Leased):
    """A table that only these tests have: its app is not installed."""

    state = models.CharField(max_length=7, default="waiting")
    rank = models.PositiveIntegerField(default=0)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "lease_tests"
        constraints = [leases.lease_has_a_holder("job_lease_has_a_holder", state__in=["waiting"])]


@pytest.fixture(autouse=True)
def table(transactional_db: None) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Job)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Job)


def jobs(number: int = 1) -> list[Job]:
    return [Job.objects.create(rank=number - index) for index in range(number)]


def due() -> QuerySet[Job]:
    return Job.objects.filter(leases.FREE, state="waiting").order_by("rank")


def run_out() -> None:
    Job.objects.filter(lease_until__isnull=False).update(lease_until=leases.CLOCK - MINUTE)


def at_once(work: Callable[[int], object], number: int = 2) -> None:
    """Run it in threads with connections of their own, all starting together."""
    ready, errors = threading.Barrier(number), list[BaseException]()

    def one(index: int) -> None:
        try:
            ready.wait(10)
            work(index)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_a_claim_takes_the_first_and_counts_the_attempt_before_it_is_made() -> None:
    third, second, first = jobs(3)
    assert set(leases.claim(due(), worker="w", lease=MINUTE, limit=2)) == {first.pk, second.pk}
    third.refresh_from_db()
    assert (third.attempts, third.lease_until, third.lease_by) == (0, None, "")
    assert set(Job.objects.filter(lease_by="w").values_list("attempts", flat=True)) == {1}
    assert leases.claim(due(), worker="v", lease=MINUTE, limit=2) == [third.pk]
    assert leases.claim(due(), worker="v", lease=MINUTE, limit=2) == []


def test_a_claim_changes_what_else_it_was_told() -> None:
    [job] = jobs()
    leases.claim(due(), worker="w", lease=MINUTE, also="rank = held.rank + 40")
    job.refresh_from_db()
    assert (job.rank, job.attempts) == (41, 1)


@time_machine.travel(datetime(2020, 2, 29, tzinfo=UTC))
def test_a_lease_goes_by_the_databases_clock() -> None:
    [job] = jobs()
    leases.claim(due(), worker="w", lease=MINUTE)
    running = Job.objects.filter(lease_until__range=(leases.CLOCK, leases.CLOCK + MINUTE))
    assert running.filter(pk=job.pk).exists()
    assert leases.lost(Job.objects.all()) == []


def claimed_by_two() -> Counter[int]:
    """How often each of 40 rows was taken by two workers that claim at once."""
    jobs(40)
    found: list[int] = []

    def work(index: int) -> None:
        while ids := leases.claim(due(), worker=f"w{index}", lease=MINUTE, limit=3):
            found.extend(ids)

    at_once(work)
    return Counter(found)


def test_two_workers_never_hold_the_same_row() -> None:
    counts = claimed_by_two()
    assert len(counts) == 40
    assert set(counts.values()) == {1}


def test_without_the_lock_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the test above can fail."""
    claim_without_lock(monkeypatch)
    assert max(claimed_by_two().values()) > 1


def test_a_claim_passes_by_a_row_that_somebody_else_has_locked() -> None:
    second, first = jobs(2)
    found: list[int] = []
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=first.pk)
        at_once(lambda _: found.extend(leases.claim(due(), worker="w", lease=MINUTE)), 1)
    assert found == [second.pk]


def test_who_holds_a_row_lengthens_its_lease_and_nobody_else_does() -> None:
    jobs()
    leases.claim(due(), worker="w", lease=MINUTE)
    job = Job.objects.get()
    assert not leases.hold(job, worker="v", lease=MINUTE, rank=9)
    assert leases.hold(job, worker="w", lease=60 * MINUTE, rank=F("rank") + 6)
    held = Job.objects.get()
    assert held.rank == 7
    assert job.lease_until is not None
    assert held.lease_until is not None
    assert held.lease_until > job.lease_until + 50 * MINUTE
    run_out()
    assert not leases.hold(job, worker="w", lease=MINUTE)


def test_the_fence_lets_the_holder_in_alone() -> None:
    jobs()
    [pk] = leases.claim(due(), worker="w", lease=MINUTE)
    with transaction.atomic():
        assert leases.fenced(Job.objects.all(), pk, worker="w").pk == pk
        for late in (False, True):
            with pytest.raises(LeaseLostError):
                leases.fenced(Job.objects.all(), pk, worker="v", late=late)


def test_after_the_lease_only_who_may_be_late_comes_in_and_only_until_it_is_freed() -> None:
    jobs()
    [pk] = leases.claim(due(), worker="w", lease=MINUTE)
    run_out()
    with transaction.atomic():
        with pytest.raises(LeaseLostError):
            leases.fenced(Job.objects.all(), pk, worker="w")
        job = leases.fenced(Job.objects.all(), pk, worker="w", late=True)
        job.let_go()
        job.save()
        with pytest.raises(LeaseLostError):
            leases.fenced(Job.objects.all(), pk, worker="w", late=True)


def test_what_runs_again_after_its_lease_is_the_next_ones_alone() -> None:
    jobs()
    anew = Job.objects.filter(leases.FREE | leases.RUN_OUT).order_by("pk")
    [pk] = leases.claim(anew, worker="w", lease=MINUTE)
    assert leases.claim(anew, worker="v", lease=MINUTE) == []
    run_out()
    assert leases.claim(anew, worker="v", lease=MINUTE) == [pk]
    with transaction.atomic(), pytest.raises(LeaseLostError):
        leases.fenced(Job.objects.all(), pk, worker="w", late=True)


def freed_by_two(take: Callable[[int], Job | None]) -> int:
    """How many of two that free at once the row of a worker that is gone believe they did."""
    jobs()
    [pk] = leases.claim(due(), worker="w", lease=MINUTE)
    run_out()
    assert leases.lost(Job.objects.all()) == [pk]
    both, freed = threading.Barrier(2), []

    def free(_: int) -> None:
        with transaction.atomic():
            job = take(pk)
            both.wait(10)  # both have looked before either has written
            if job is not None:
                job.let_go()
                job.save()
                freed.append(pk)

    at_once(free)
    assert leases.lost(Job.objects.all()) == []
    return len(freed)


def test_one_of_two_frees_what_a_killed_worker_held() -> None:
    assert freed_by_two(lambda pk: leases.lock_lost(Job.objects.all(), pk)) == 1


def test_without_that_lock_both_would() -> None:
    """The negative control."""
    assert freed_by_two(lambda pk: Job.objects.filter(leases.RUN_OUT, pk=pk).first()) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"lease_by": "w"},
        {"lease_until": datetime(2026, 11, 30, tzinfo=UTC)},
        {"lease_until": datetime(2026, 11, 30, tzinfo=UTC), "lease_by": "w", "state": "done"},
    ],
)
def test_a_lease_has_a_holder_and_work(changes: dict[str, Any]) -> None:
    jobs()
    with pytest.raises(IntegrityError):
        Job.objects.update(**changes)
