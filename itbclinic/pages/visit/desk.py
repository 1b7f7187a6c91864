"""What this desk adds to the frame and to the audit log."""

from itbclinic.pages.shared.desk import Desk

DESK = Desk(
    under="board",
    events={
        "pump.interrogation_withdrawn": "Took back what the programmer showed",
        "visit.read": "Opened a visit's page",
        "visit.recorded": "Recorded a visit",
        "visit.withdrawn": "Took back a visit",
        "fill.recorded": "Recorded a refill",
        "fill.corrected": "Corrected a refill",
        "program.recorded": "Recorded a program",
        "program.corrected": "Corrected a program",
        "bolus.recorded": "Recorded a bolus",
        "bolus.withdrawn": "Took a bolus back",
    },
)
