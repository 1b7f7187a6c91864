"""What this desk adds to the frame and to the audit log."""

from itbclinic.pages.shared.desk import Desk

DESK = Desk(
    under="board",
    events={
        "patient.registered": "Registered a patient",
        "patient.corrected": "Corrected who a patient is",
        "pump.implanted": "Recorded an implant",
        "pump.explanted": "Recorded that a pump was taken out",
        "pump.explant_withdrawn": "Took back that a pump was taken out",
    },
    subjects={
        "patient": "Patient",
        "pump": "Pump",
    },
)
