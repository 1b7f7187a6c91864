"""The refill board: every active pump of the user's clinics, the most urgent first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids, may
from alarms.domain.status import Status
from alarms.models import Reason
from alarms.selectors import worklist
from alarms.selectors.exclusions import count_recalculating
from alarms.selectors.listed import ListedPump, Pumps
from core import words
from dosing.selectors import current_programs
from followup.models import ScanRun
from followup.selectors import work
from itbclinic.pages.imports import uploads
from itbclinic.pages.shared import board_query, messages, states
from itbclinic.pages.shared import rows as presenters
from itbclinic.pages.shared.board_filter import BoardFilterForm
from itbclinic.pages.shared.board_query import BoardQuery
from itbclinic.pages.shared.frame import frame_of
from itbclinic.pages.shared.links import Link, TabLink, clinic_links
from itbclinic.pages.work import words as work_words
from refills.selectors import current_fills
from rosters.models import ImportRow
from rosters.selectors import open_refused_rows

from . import off_board
from .excluded import ExcludedRow
from .excluded import excluded as excluded_pumps

LOUD: Final = 5  # late or failed items that the board names
HOT: Final = ("unknown", "alarm", "overdue")  # tabs whose count is coloured when it is not zero


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the page shows."""

    query: BoardQuery
    made_at: str
    counts: worklist.Counts
    tabs: list[TabLink]
    rows: list[presenters.Row]
    excluded: list[ExcludedRow]
    refused: list[ImportRow]
    recalculating: int
    checked: str
    several_clinics: bool
    where: str = ""
    chips: list[Link] = field(default_factory=list)
    first: int = 1
    following: str = ""
    previous: str | None = None
    next_due: presenters.Row | None = None
    excluded_found: int = 0
    loud: list[work_words.Line] = field(default_factory=list)
    loud_count: int = 0
    may_work: bool = False

    @property
    def on_excluded(self) -> bool:
        return self.query.tab == "excluded"

    @property
    def heading(self) -> str:
        return board_query.BY_KEY[self.query.tab].label

    @property
    def total(self) -> int:
        return len(self.excluded) if self.on_excluded else self.counts.listed

    @property
    def last(self) -> int:
        return self.first + len(self.excluded if self.on_excluded else self.rows) - 1

    @property
    def next_count(self) -> int:
        return min(self.query.size, self.total - self.last)

    @property
    def part(self) -> bool:
        """Whether the list goes on, before or after these rows."""
        return self.first > 1 or bool(self.following)

    @property
    def whole_address(self) -> str:
        return self.query.address(whole=True)

    @property
    def paged_address(self) -> str:
        return self.query.address(whole=False)

    @property
    def unfiltered(self) -> str:
        return BoardQuery(clinic=self.query.clinic).address()

    @property
    def everything(self) -> str:
        return BoardQuery(clinic=self.query.clinic).address(tab="all")

    @property
    def excluded_address(self) -> str:
        return self.query.address(tab="excluded")

    @property
    def computed(self) -> int:
        return self.counts.active - self.recalculating


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The board, or only its list where htmx asks for it."""
    user = cast(User, request.user)
    allowed = frame_of(request).clinics
    if not allowed:
        return HttpResponseRedirect(reverse("home"))
    now = timezone.now()
    query, form, clinics = read_query(request, allowed)
    bookers = clinic_ids(user, Action.BOOK)
    made = _make(query, clinics, frame_of(request).sweep, now, bookers)
    found = _with_work(made, user, clinics, now)
    record_read(user, clinics, now, "board.read", query, len(found.rows) or len(found.excluded))
    board_query.remember(query, request.session)
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    partial = htmx and not htmx.history_restore_request
    context = {
        "board": found,
        "form": form,
        "clinic_links": clinic_links(
            allowed, query.clinic, lambda slug: f"?{query.address(clinic=slug)}"
        ),
        "partial": partial,
        "uploads": [] if partial else uploads.waiting_for(user, clinics),
        "off_board": off_board.build(user, clinics, query.search),
        "may_add": bool(set(clinic_ids(user, Action.ADD_PATIENT)) & {c.pk for c in clinics}),
        "may_record": all(may(user, Action.RECORD_VISIT, clinic.pk) for clinic in clinics),
    }
    template = "board/area.html" if partial else "board/page.html"
    response = render(request, template, context)
    response["Vary"] = "HX-Request"
    return response


@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Keep the words of a search in the session and go to the list that they find.

    They are sent by POST, because an address with a patient's name stays in logs and histories.
    """
    key = board_query.keep_words(request.POST.get("words", ""), request.session)
    clinic = request.POST.get("clinic", "")
    query = BoardQuery(tab="all" if key else board_query.DEFAULT, clinic=clinic, search_key=key)
    return HttpResponseRedirect(f"{reverse('board')}?{query.address()}".rstrip("?"))


def read_query(
    request: HttpRequest, allowed: Sequence[Clinic]
) -> tuple[BoardQuery, BoardFilterForm, list[Clinic]]:
    form = BoardFilterForm(request.GET)
    form.is_valid()
    query = board_query.read(form, request.GET.dict(), request.session)
    chosen = [clinic for clinic in allowed if clinic.slug == query.clinic]
    if query.clinic and not chosen:
        problem = "You have no clinic of that name; this list has all of yours."
        query = replace(query, clinic="", problems=(*query.problems, problem))
    return query, form, chosen or list(allowed)


def _make(
    query: BoardQuery,
    clinics: Sequence[Clinic],
    sweep: ScanRun | None,
    now: datetime,
    bookers: Sequence[int],
) -> Board:
    ids = [clinic.pk for clinic in clinics]
    filters = query.filters()
    pumps = worklist.listed_pumps(ids, now)
    after = query.trail[-1] if query.trail else None
    found: list[ListedPump] = []
    if query.tab != "excluded":
        found = worklist.page(pumps, filters, size=query.size + 1, after=after)
    page = found[: query.size]
    more = len(found) > len(page)
    counts = worklist.count(ids, filters, now)
    excluded = excluded_pumps(ids, query.search, now) if _wants_excluded(query, counts) else []
    return Board(
        query=query,
        made_at=words.instant(now, clinics[0].zone),
        counts=counts,
        tabs=_tabs(query, counts),
        rows=_present(page, now, bookers),
        excluded=excluded if query.tab == "excluded" else [],
        excluded_found=len(excluded) if query.search else 0,
        refused=list(open_refused_rows(ids)),
        recalculating=count_recalculating(ids, now),
        checked=words.instant(sweep.finished_at, clinics[0].zone) if sweep else "",
        several_clinics=len(clinics) > 1,
        where=", ".join(clinic.name for clinic in clinics),
        chips=_chips(query),
        first=len(query.trail) * query.size + 1,
        following=_following(query, page) if more else "",
        previous=query.address(trail=query.trail[:-1]) if query.trail else None,
        next_due=_next_due(query, pumps, counts, page, now),
    )


def _wants_excluded(query: BoardQuery, counts: worklist.Counts) -> bool:
    return counts.excluded > 0 and (query.tab == "excluded" or bool(query.search))


def _with_work(found: Board, user: User, clinics: Sequence[Clinic], now: datetime) -> Board:
    """The board with what is late or failed: no tab and no filter hides it."""
    ids = [clinic.pk for clinic in clinics]
    late = work.loud_items(ids, now)
    items = list(late[:LOUD])
    subjects = work.subjects_of(items, now)
    return replace(
        found,
        loud=[work_words.present(item, subjects, now) for item in items],
        loud_count=late.count(),
        may_work=bool(set(ids) & set(clinic_ids(user, Action.BOOK))),
    )


def _reminders(page: Sequence[ListedPump], now: datetime) -> dict[int, messages.Reminder]:
    """What became of each row's reminder: a query for all rows, not one for each."""
    told = work.told_about([str(row.pump.uuid) for row in page], now)
    nobody = work.clinics_nobody_is_told_in({row.pump.clinic_id for row in page})
    return {
        row.pump.pk: messages.reminder(
            told.get(str(row.pump.uuid)),
            row.pump.clinic_id in nobody and not row.booked and row.status != Status.NOT_DUE,
            row.clinic.zone,
        )
        for row in page
    }


def _present(
    page: Sequence[ListedPump], now: datetime, bookers: Sequence[int] = ()
) -> list[presenters.Row]:
    ids = [row.pump.pk for row in page]
    mismatched = [row.pump.pk for row in page if row.reason == Reason.CONCENTRATION_MISMATCH]
    facts = presenters.Facts(
        fills=current_fills(ids) if ids else {},
        programs=current_programs(mismatched) if mismatched else {},
        bookers=bookers,
        reminders=_reminders(page, now) if page else {},
    )
    return [presenters.present(row, facts) for row in page]


def _following(query: BoardQuery, page: Sequence[ListedPump]) -> str:
    return query.address(trail=(*query.trail, page[-1].position))


def _next_due(
    query: BoardQuery,
    pumps: Pumps,
    counts: worklist.Counts,
    page: Sequence[ListedPump],
    now: datetime,
) -> presenters.Row | None:
    """Who comes next, where nobody is due now."""
    if page or query.tab != "todo" or query.filtered or not counts.active:
        return None
    coming = worklist.page(pumps, worklist.Filters(everything=True), size=1)
    return _present(coming, now)[0] if coming else None


def _tabs(query: BoardQuery, counts: worklist.Counts) -> list[TabLink]:
    status = counts.by_status
    numbers = {
        "unknown": status[Status.UNKNOWN],
        "alarm": status[Status.EMPTY] + status[Status.ALARM],
        "overdue": status[Status.OVERDUE],
        "todo": counts.to_do,
        "soon": counts.next_30_days,
        "unbooked": counts.unbooked,
        "all": counts.active,
        "excluded": counts.excluded,
    }
    bare = BoardQuery(clinic=query.clinic)
    return [
        TabLink(
            label=tab.label,
            count=numbers[tab.key],
            url=f"?{bare.address(tab=tab.key)}",
            current=tab.key == query.tab,
            tone=tab.key if tab.key in HOT and numbers[tab.key] else "",
        )
        for tab in board_query.TABS
        if tab.key != "excluded" or counts.excluded or query.tab == "excluded"
    ]


def _chips(query: BoardQuery) -> list[Link]:
    """The filters in force, each with the address of the list without it."""
    found = []
    if query.search:
        found.append(Link(f"Found by “{query.search}”", query.address(search_key="")))
    if query.due_before:
        by = f"Refill by {words.day(query.due_before)} or earlier"
        found.append(Link(by, query.address(due_before=None)))
    for status in query.statuses:
        rest = tuple(other for other in query.statuses if other != status)
        found.append(Link(states.STATUS[status], query.address(statuses=rest)))
    if query.unbooked is not None:
        label = "Not booked" if query.unbooked else "Booked"
        found.append(Link(label, query.address(unbooked=None)))
    return found


def record_read(
    user: User, clinics: Sequence[Clinic], now: datetime, event: str, query: BoardQuery, rows: int
) -> None:
    seen = {"tab": query.tab, "rows": rows, "filtered": query.filtered}
    for clinic in clinics:
        audit.record(
            event=event,
            by=user,
            at=now,
            clinic_id=clinic.pk,
            subject_type="clinic",
            subject_id=clinic.uuid,
            after=seen,
        )


def matching_rows(
    query: BoardQuery, clinics: Sequence[Clinic], now: datetime, *, size: int = 500
) -> Iterator[ListedPump]:
    """All rows of the query's list, page after page."""
    pumps = worklist.listed_pumps([clinic.pk for clinic in clinics], now)
    after = None
    while True:
        found = worklist.page(pumps, query.filters(), size=size, after=after)
        yield from found
        if len(found) < size:
            return
        after = found[-1].position
