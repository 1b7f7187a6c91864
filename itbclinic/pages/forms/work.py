"""What is said about a work item: what was done, or until when it may wait and why."""

from typing import Any

from django import forms

from alarms.forms import DateInput, ReasonField
from alarms.models import WorkItem
from alarms.services.work_items import NEVER_WAITS, STANDING

from .base import PageForm


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
        help_text="Only if it is to wait; at most 90 days. Empty: it is done.",
    )

    def __init__(self, *args: Any, item: WorkItem, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"work_{item.uuid}_%s", **kwargs})
        self.standing = item.kind in STANDING
        self.may_wait = item.kind not in NEVER_WAITS
        if not self.may_wait:
            del self.fields["ends_on"]
        if self.standing:
            self.fields["reason"].label = "Why it may wait"
            self.fields[
                "ends_on"
            ].help_text = "It stands until the cause is gone, so it can only wait; at most 90 days."
