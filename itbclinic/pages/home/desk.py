"""What this desk adds to the frame and to the audit log."""

from itbclinic.pages.shared.desk import Desk

DESK = Desk()
