"""What the address of the board asks for: the tab, the clinic, the filters and the page.

What is mistyped is said, never ignored in silence. The address carries no patient data: the words
of a search stay in the session, and the address names them by a key (classification.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypedDict, Unpack
from urllib.parse import urlencode

from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.utils.crypto import salted_hmac

from alarms.domain.status import Status
from alarms.selectors.listed import Position
from alarms.selectors.worklist import Filters
from itbclinic.refill_list import position_as_list, position_from

from .board_filter import BoardFilterForm

PAGE_SIZE: Final = 50
WHOLE: Final = 1000  # the longest list on one page, for paper
PAGE_SALT: Final = "itb.board.page"
SEARCHES: Final = "board_searches"
LAST: Final = "board_last"
MAX_SEARCHES: Final = 20
MAX_WORDS: Final = 100
KEY_MARK: Final = "~"


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its key in the address, its words, and what it lets through."""

    key: str
    label: str
    filters: Filters


TABS: Final = (
    Tab("unknown", "No sure date", Filters(statuses=(Status.UNKNOWN,))),
    Tab("alarm", "Past alarm", Filters(statuses=(Status.EMPTY, Status.ALARM))),
    Tab("overdue", "Overdue", Filters(statuses=(Status.OVERDUE,))),
    Tab("todo", "To do now", Filters()),
    Tab("soon", "Next 30 days", Filters(within_days=30)),
    Tab("unbooked", "Not booked", Filters(within_days=30, unbooked=True)),
    Tab("all", "All", Filters(everything=True)),
    Tab("excluded", "Excluded", Filters(everything=True)),
)
BY_KEY: Final = {tab.key: tab for tab in TABS}
DEFAULT: Final = "todo"


class Changes(TypedDict, total=False):
    """What an address may change of the one it is made from."""

    tab: str
    clinic: str
    search_key: str
    due_before: date | None
    statuses: tuple[Status, ...]
    unbooked: bool | None
    trail: tuple[Position, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """The address, read. `trail` holds where each page so far began: the way back."""

    tab: str = DEFAULT
    clinic: str = ""
    search: str = ""
    search_key: str = ""
    due_before: date | None = None
    statuses: tuple[Status, ...] = ()
    unbooked: bool | None = None
    trail: tuple[Position, ...] = ()
    whole: bool = False  # the list on one page
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many rows a page has."""
        return WHOLE if self.whole else PAGE_SIZE

    @property
    def filtered(self) -> bool:
        """Whether more than the tab chooses the rows."""
        return bool(self.search or self.due_before or self.statuses or self.unbooked is not None)

    def filters(self) -> Filters:
        """The tab's filter with what the address adds."""
        found = BY_KEY[self.tab].filters
        if self.due_before:
            found = replace(found, due_before=self.due_before)
        if self.statuses:
            found = replace(
                found,
                statuses=self.statuses,
                everything=found.everything or Status.NOT_DUE in self.statuses,
            )
        if self.unbooked is not None:
            found = replace(found, unbooked=self.unbooked)
        return replace(found, search=self.search)

    def address(self, **changes: Unpack[Changes]) -> str:
        """The query string of this page with some of it changed; a change starts at page 1."""
        changed = replace(replace(self, trail=()), **changes)
        pairs = [
            ("tab", changed.tab if changed.tab != DEFAULT else ""),
            ("clinic", changed.clinic),
            ("search", changed.search_key),
            ("due_before", changed.due_before.isoformat() if changed.due_before else ""),
            *(("status", status) for status in changed.statuses),
            ("unbooked", "" if changed.unbooked is None else str(changed.unbooked).lower()),
            ("rows", "all" if changed.whole else ""),
            ("cursor", _sign(changed.trail)),
        ]
        return urlencode([(name, value) for name, value in pairs if value])


def _sign(trail: tuple[Position, ...]) -> str:
    if not trail:
        return ""
    return signing.dumps([position_as_list(p) for p in trail], salt=PAGE_SALT, compress=True)


def read(form: BoardFilterForm, parameters: Mapping[str, str], session: SessionBase) -> BoardQuery:
    """Read the address.

    Args:
        form: the filter form, bound to the same parameters.
    """
    problems = [
        f"{form.fields[name].label}: {error}"
        for name, errors in form.errors.items()
        for error in errors
    ]
    tab = parameters.get("tab", "") or DEFAULT
    if tab not in BY_KEY:
        problems.append("There is no such tab; this is “To do now”.")
        tab = DEFAULT
    search_key, search = _read_search(parameters.get("search", ""), session)
    if search_key and not search:
        problems.append("That search has expired. Type it again.")
        search_key = ""
    trail, trail_problem = _read_trail(parameters.get("cursor", ""))
    problems += trail_problem
    cleaned = form.cleaned_data
    return BoardQuery(
        tab=tab,
        clinic=parameters.get("clinic", ""),
        search=search,
        search_key=search_key,
        due_before=cleaned.get("due_before"),
        statuses=tuple(map(Status, cleaned.get("status") or ())),
        unbooked=cleaned.get("unbooked"),
        trail=trail,
        whole=parameters.get("rows") == "all",
        problems=tuple(problems),
    )


def _read_trail(cursor: str) -> tuple[tuple[Position, ...], list[str]]:
    if not cursor:
        return (), []
    try:
        values = signing.loads(cursor, salt=PAGE_SALT)
    except signing.BadSignature:
        return (), ["That page is no longer known; this is the first one."]
    return tuple(position_from(value) for value in values), []


def _read_search(given: str, session: SessionBase) -> tuple[str, str]:
    """The key and the words. Words written into an address by hand work as well; the page's own
    links then carry their key."""
    if given and not given.startswith(KEY_MARK):
        given = keep_words(given, session)
    return given, str(session.get(SEARCHES, {}).get(given, ""))


def keep_words(text: str, session: SessionBase) -> str:
    """Keep the words of a search in the session; returns their key for the address."""
    found = " ".join(text.replace("\x00", "").split())[:MAX_WORDS]
    if not found:
        return ""
    digest = salted_hmac("itb.board.search", f"{session.session_key}:{found}").hexdigest()
    key = f"{KEY_MARK}{digest[:16]}"
    kept = {k: v for k, v in session.get(SEARCHES, {}).items() if k != key}
    session[SEARCHES] = dict([*kept.items(), (key, found)][-MAX_SEARCHES:])
    return key


@dataclass(frozen=True, slots=True)
class WayBack:
    """The list that the user came from."""

    address: str
    label: str


def remember(query: BoardQuery, session: SessionBase) -> None:
    """Keep where the user is in the list, for the way back from a patient's page."""
    here = {"address": query.address(trail=query.trail), "label": BY_KEY[query.tab].label}
    if session.get(LAST) != here:
        session[LAST] = here


def way_back(session: SessionBase) -> WayBack | None:
    """The list that this session last showed."""
    last = session.get(LAST)
    return WayBack(last["address"], last["label"]) if last else None
