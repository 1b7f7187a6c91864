"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Paper", "summaries", Action.PRINT_SUMMARY),
    events={
        "summaries.read": "Opened the paper to print",
        "summary.read": "Opened an after-visit summary",
        "summary.printed": "Printed an after-visit summary",
        "summary.tried_again": "Tried again to make a summary",
        "summary.renewed": "Made a new version of a summary",
    },
    subjects={
        "summary": "After-visit summary",
    },
)
