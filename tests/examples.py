"""How many examples a property is tried on: as many as it says, fewer in `make check`, many more in
the long profile (`ITB_HYPOTHESIS_PROFILE`: `quick` or `long`)."""

import os

from hypothesis import HealthCheck, settings

QUIET = list(HealthCheck)
PROFILE = os.environ.get("ITB_HYPOTHESIS_PROFILE", "")
settings.register_profile(
    "itb_default", derandomize=True, database=None, deadline=None, suppress_health_check=QUIET
)
settings.register_profile(
    "itb_long", database=None, deadline=None, suppress_health_check=QUIET, print_blob=True
)


def examples(count: int) -> settings:
    """So many examples; fifty times as many in the long profile, a tenth in the quick one."""
    profile = settings.get_profile("itb_long" if PROFILE == "long" else "itb_default")
    wanted = {"long": count * 50, "quick": max(10, count // 10)}.get(PROFILE, count)
    return settings(profile, max_examples=wanted)
