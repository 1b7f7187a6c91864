"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Clinic", "clinic_settings", Action.MANAGE_CLINIC),
    events={
        "clinic.created": "Made a clinic",
        "clinic.changed": "Changed the clinic's settings",
        "user.created": "Made an account",
        "user.password_given": "Gave a person a new password",
        "user.password_changed": "Chose a new password",
        "user.signed_in": "Signed in",
        "user.signed_out": "Signed out",
        "user.sign_in_failed": "Gave a wrong password for a person",
        "user.sign_in_held_off": "Held off somebody after too many wrong passwords",
        "user.role_granted": "Gave a role",
        "user.role_removed": "Took a role away",
        "user.email_changed": "Changed a person's e-mail address",
        "api_client.created": "Made an API client",
        "api_client.revoked": "Revoked an API client",
    },
    subjects={
        "clinic": "Clinic",
        "user": "Person",
        "api_client": "API client",
    },
)
