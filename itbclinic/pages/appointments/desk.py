"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Appointments", "appointments", Action.READ_LIST),
    events={
        "appointment.booked": "Booked an appointment",
        "appointment.rebooked": "Moved an appointment",
        "appointment.cancelled": "Cancelled an appointment",
        "appointment.arrived": "Marked a patient as arrived",
        "appointment.no_show": "Marked a no-show",
        "appointment.outcome_taken_back": "Took back what was marked for an appointment",
        "appointments.read": "Opened the appointments",
    },
)
