"""Who may do what: one table, asked by pages, buttons, services and the API alike."""

from enum import StrEnum

from core.rules import RuleViolation

from .models import Clinic, Membership, Role, User


class Action(StrEnum):
    """Something a role may or may not do in its clinic."""

    READ_LIST = "read the refill board"
    READ_CHART = "open a patient's chart"
    BOOK = "book refills"
    RECORD_VISIT = "record a visit"
    PRINT_SUMMARY = "print after-visit summaries"
    ADD_PATIENT = "add or correct a patient"
    RECORD_DEVICE = "record that a pump was implanted or taken out"
    CONTACT = "keep a family's contacts and consents"
    SETTLE = "settle a doubtful date or exclude a pump"
    RESOLVE_IMPORT = "import the roster and dismiss refused rows"
    READ_CATALOGUE = "see the catalogue"
    EDIT_CATALOGUE = "edit pump models and drugs"
    READ_AUDIT = "read the audit log"
    MANAGE_CLINIC = "manage the clinic, its people and its API tokens"


_CLINICAL = {Action.READ_LIST, Action.READ_CHART, Action.READ_CATALOGUE}
# Who imports the roster makes patients with it, and may add one by hand.
_OFFICE = {
    Action.BOOK, Action.RESOLVE_IMPORT, Action.PRINT_SUMMARY, Action.CONTACT, Action.ADD_PATIENT,
}  # fmt: skip
_TREATING = {Action.SETTLE, Action.RECORD_VISIT, Action.RECORD_DEVICE}
PERMISSIONS: dict[str, set[Action]] = {
    Role.NURSE: _CLINICAL | _OFFICE | _TREATING,
    Role.DOCTOR: _CLINICAL | _OFFICE | _TREATING | {Action.EDIT_CATALOGUE},
    Role.STAFF: {Action.READ_LIST, Action.READ_CHART} | _OFFICE,
    Role.PHARMACIST: _CLINICAL | {Action.EDIT_CATALOGUE},
    Role.AUDITOR: {Action.READ_CHART, Action.READ_AUDIT, Action.READ_CATALOGUE},
    Role.ADMIN: {Action.READ_CATALOGUE, Action.MANAGE_CLINIC, Action.EDIT_CATALOGUE},
}


def roles_of(user: User) -> dict[int, str]:
    """The user's role by clinic id: one query, kept for the request on the user object."""
    cached: dict[int, str] | None = getattr(user, "_roles_by_clinic", None)
    if cached is None:
        cached = dict(Membership.objects.filter(user=user).values_list("clinic_id", "role"))
        user._roles_by_clinic = cached  # type: ignore[attr-defined]
    return cached


def clinic_ids(user: User, action: Action) -> list[int]:
    """The clinics in which the user may do it; empty when there is none."""
    if not user.is_active:
        return []
    return [pk for pk, role in roles_of(user).items() if action in PERMISSIONS[role]]


def may(user: User, action: Action, clinic_id: int) -> bool:
    """Whether the user may do it in that clinic."""
    return clinic_id in clinic_ids(user, action)


def check_may(user: User, action: Action, clinic: Clinic) -> None:
    """Refuse what the user's role in the clinic does not allow.

    Raises:
        RuleViolation: with code `not_allowed`.
    """
    if not may(user, action, clinic.pk):
        raise RuleViolation.of(
            "role",
            "not_allowed",
            f"Your role at {clinic.name} does not let you {action.value}. "
            "Ask a clinic administrator if it should.",
        )
