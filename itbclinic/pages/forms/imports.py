"""What a person writes about a refused row."""

from alarms.forms import ReasonField, RuledForm


class DismissForm(RuledForm):
    """Take a refused row off the board without importing it."""

    name = "dismiss"

    reason = ReasonField("Why this row need not be imported")
