"""What is said about a work item: what was done, or until when it may wait and why."""

from typing import Any

from django import forms

from followup.models import WorkItem
from followup.services.work_items import NEVER_WAITS, RUNS_DRY, STANDING, longest_wait
from itbclinic.pages.shared.forms import DateInput, PageForm, ReasonField


class WorkItemForm(PageForm):
    """Settle an item, or put it off until a day."""

    name = "work"

    reason = ReasonField("What was done")
    ends_on = forms.DateField(
        label="Put off until and including",
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Choose a date."},
    )

    def __init__(self, *args: Any, item: WorkItem, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"work_{item.uuid}_%s", **kwargs})
        self.standing = item.kind in STANDING
        most = f"at most {longest_wait(item.kind).days} days"
        ends_on = self.fields["ends_on"]
        ends_on.help_text = f"Only if it is to wait; {most}. Empty: it is done."
        self.may_wait = item.kind not in NEVER_WAITS
        if not self.may_wait:
            del self.fields["ends_on"]
        if self.standing:
            self.fields["reason"].label = "Why it may wait"
            most += ", and not to the day of the alarm" if item.kind in RUNS_DRY else ""
            ends_on.help_text = f"It stands until the cause is gone, so it can only wait; {most}."
