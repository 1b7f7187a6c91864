"""Which of the roles that a clinic's work is passed to nobody has, in words for who gives roles."""

from accounts.models import Clinic, Role
from accounts.selectors import roles_present
from core import words
from followup.selectors.work import count_of_administrator
from followup.services.work_items import LADDER


def gaps_of(clinic: Clinic) -> list[str]:
    """A sentence for each gap; empty where the clinic has a nurse and a doctor."""
    present = roles_present([clinic.pk])[clinic.pk]
    waiting = count_of_administrator(clinic.pk)
    if not present & set(LADDER):
        return [_nobody(waiting)]
    found = []
    if Role.NURSE not in present:
        found.append(
            "This clinic has no rehab nurse. Nobody is reminded by e-mail, and work items go to "
            f"{_others(present, Role.NURSE)}. Give somebody the role below."
        )
    if Role.DOCTOR not in present:
        found.append(
            "This clinic has no rehabilitation doctor. Work items that nobody does in time are "
            f"passed on no further than to {_others(present, Role.DOCTOR)}, and no dose can be "
            "ordered. Give somebody the role below."
        )
    return found


def _nobody(waiting: int) -> str:
    items = f"{words.count(waiting, 'work item')} {'waits' if waiting == 1 else 'wait'}"
    return (
        "Nobody of this clinic can book, call families or do its work items: it has no staff, "
        f"nurse or doctor. {items} for you. Give somebody a role below; the items pass to them."
    )


def _others(present: set[str], but: Role) -> str:
    there = [str(role.label).lower() for role in LADDER if role in present and role != but]
    return "the " + " and the ".join(there)
