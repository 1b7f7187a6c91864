"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared import board_query
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Refills", "board", Action.READ_LIST),
    events={
        "board.read": "Opened the refill list",
        "board.exported": "Exported the refill list",
        "list.read": "Read the refill list over REST",
    },
    values={
        "tab": {tab.key: tab.label for tab in board_query.TABS},
    },
)
