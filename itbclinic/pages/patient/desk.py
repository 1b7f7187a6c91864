"""What this desk adds to the frame and to the audit log."""

from itbclinic.pages.shared.desk import Desk
from itbclinic.pages.shared.messages import MILESTONES, STATES

DESK = Desk(
    under="board",
    events={
        "patient.read": "Opened a patient's page",
        "pump.interrogated": "Recorded what the programmer showed",
        "pump.excluded": "Left a pump off the list",
        "pump.exclusion_ended": "Put a pump back on the list",
        "date.settled": "Settled a doubtful date",
        "consent.recorded": "Recorded a family's consent to e-mail",
        "consent.withdrawn": "Recorded that a consent was withdrawn",
        "caregiver.added": "Added somebody to call",
        "caregiver.changed": "Changed somebody to call",
        "caregiver.removed": "Removed somebody to call",
        "reminder.sent": "Sent a reminder",
        "reminder.dead": "Could not deliver a reminder",
        "reminder.superseded": "Took back a reminder that was not needed any more",
        "reminder.suppressed": "Held back a reminder",
    },
    subjects={
        "reminder": "Reminder",
    },
    values={
        "milestone": MILESTONES,
        "state": STATES,
    },
)
