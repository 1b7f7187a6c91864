"""Tabs and links of a page, ready to be shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts.models import Clinic


@dataclass(frozen=True, slots=True)
class TabLink:
    """One tab with its count and its address."""

    label: str
    count: int
    url: str
    current: bool
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a menu, or a filter that can be taken away."""

    label: str
    url: str
    current: bool = False


def clinic_links(
    allowed: Sequence[Clinic], here: str, address: Callable[[str], str], *, together: bool = True
) -> list[Link]:
    """The menu of clinics in the frame; empty for somebody who has one.

    Args:
        here: the slug of the clinic that the page shows; any other text where it shows all.
        address: the page's address for a slug; for an empty one, that of all clinics.
        together: whether the page can show all of them at once.
    """
    if len(allowed) < 2:
        return []
    one_by_one = [Link(one.name, address(one.slug), one.slug == here) for one in allowed]
    shows_all = not any(link.current for link in one_by_one)
    everyone = [Link(f"All {len(allowed)} clinics", address(""), shows_all)] if together else []
    return everyone + one_by_one
