"""Writes of clinics, people and API clients."""

from .clinics import (
    MAX_LEAD_DAYS,
    MAX_WINDOW_DAYS,
    MIN_INTERVAL_DAYS,
    MIN_WINDOW_DAYS,
    bump_change_sequence,
    change_clinic,
    check_clinic,
    create_clinic,
    keep_settings,
)
from .people import (
    SYSTEM_USERS,
    add_person,
    change_role,
    create_user,
    grant_role,
    locked_member,
    remove_role,
    system_user,
)

__all__ = [
    "MAX_LEAD_DAYS",
    "MAX_WINDOW_DAYS",
    "MIN_INTERVAL_DAYS",
    "MIN_WINDOW_DAYS",
    "SYSTEM_USERS",
    "add_person",
    "bump_change_sequence",
    "change_clinic",
    "change_role",
    "check_clinic",
    "create_clinic",
    "create_user",
    "grant_role",
    "keep_settings",
    "locked_member",
    "remove_role",
    "system_user",
]
