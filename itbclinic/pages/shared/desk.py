"""What a desk adds to the frame: its entry in the navigation, and its events in words.

A desk is a folder beside this one. `itbclinic/urls.py` includes its addresses, and by that alone
its `desk.py` is found: there is no other list to add it to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Final

from django.urls import URLResolver, get_resolver

from accounts.models import User
from accounts.policies import Action

DESKS: Final = "itbclinic.pages."


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the navigation leads to.

    Args:
        page: the name of an address.
        action: what somebody must be allowed to do anywhere, to be shown the entry.
        waiting: how many things wait there for a user.
    """

    label: str
    page: str
    action: Action
    waiting: Callable[[User], int] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk as the frame and the audit log know it.

    Args:
        entry: its own entry in the navigation; or
        under: the folder of the desk whose entry its pages stand under.
        events, subjects: audit events and what they are about, in words.
        values: stored codes in the words that its pages use for them, by the value's name.
    """

    entry: Entry | None = None
    under: str = ""
    events: Mapping[str, str] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def desks() -> dict[str, Desk]:
    """Every desk whose addresses are included, by its folder, in the order of the includes."""
    found = {}
    for pattern in get_resolver().url_patterns:
        if not isinstance(pattern, URLResolver):
            continue
        module = getattr(pattern.urlconf_name, "__name__", "")
        if module.startswith(DESKS):
            folder = module.removeprefix(DESKS).partition(".")[0]
            found[folder] = import_module(f"{DESKS}{folder}.desk").DESK
    return found


def folder_of(view: Callable[..., object] | None) -> str:
    """The folder of the desk that a view belongs to; empty for a view of no desk."""
    module = getattr(view, "__module__", "")
    return module.removeprefix(DESKS).partition(".")[0] if module.startswith(DESKS) else ""
