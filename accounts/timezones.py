"""The time zones that a clinic or a case may name."""

import zoneinfo
from functools import lru_cache

# Names of a machine's own files, not of places: another machine may lack or mean other ones.
LOCAL_NAMES = {"localtime", "posixrules", "Factory"}


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    """The names of the public time zone list, without a machine's own."""
    return frozenset(zoneinfo.available_timezones() - LOCAL_NAMES)
