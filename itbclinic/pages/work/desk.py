"""What this desk adds to the frame and to the audit log."""

from accounts.models import Role
from accounts.policies import Action
from followup.models import WorkItem
from followup.selectors.work import count_open
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Work", "work", Action.BOOK, waiting=count_open),
    events={
        "work.read": "Opened the work list",
        "work_item.opened": "Opened a work item",
        "work_item.brought_forward": "Gave a work item less time: its pump is in more danger",
        "work_item.escalated": "Passed on a work item that nobody settled in time",
        "work_item.settled": "Settled a work item or put it off",
        "work_item.put_off_ended": "Ended a put-off: its cause is gone",
    },
    subjects={
        "work_item": "Work item",
    },
    values={
        "kind": {
            **{str(value): str(label) for value, label in WorkItem.Kind.choices},
            "refill": "About a refill",
            "appointment": "About an appointment",
        },
        "owner_role": {str(value): str(label) for value, label in Role.choices},
        "tab": {"mine": "Mine", "settled": "Settled lately"},
    },
)
