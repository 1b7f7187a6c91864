"""Tabs and links of a page, ready to be shown."""

from dataclasses import dataclass


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
