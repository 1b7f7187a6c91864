"""The alarm volume that was read from a pump."""

from typing import Any

from accounts.models import Clinic
from alarms import forms

from .base import decimal_sentences


class AlarmVolumeForm(forms.AlarmVolumeForm):
    """With a sentence for each way in which a number cannot be a volume."""

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, clinic=clinic, **kwargs)
        volume: Any = self.fields["low_reservoir_alarm_ml"]
        volume.error_messages |= {
            **decimal_sentences(volume.max_digits, volume.decimal_places),
            "min_value": "The alarm volume cannot be negative. Write the mL that the pump shows.",
        }
