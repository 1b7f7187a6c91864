"""Taking back a visit."""

from .forms import ReasonField, RuledForm


class WithdrawForm(RuledForm):
    """Why a visit was entered in error."""

    name = "withdraw"

    reason = ReasonField("What was wrong with it")
