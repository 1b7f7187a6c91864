"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Audit", "audit", Action.READ_AUDIT),
    events={
        "audit.read": "Opened the audit log",
        "audit.exported": "Exported the audit log",
    },
)
