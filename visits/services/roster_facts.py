"""What one row of the roster changes in the record, or why it must not.

Runs inside the row's own transaction. Gaps in the record are filled; a value on record is never
changed by a sheet: that takes a person and a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from accounts.models import Clinic, User
from alarms.models import Projection, Reason
from alarms.selectors.inputs import limits_of_model
from dosing.models import DrugProduct, StabilityLimit
from patients.models import Patient
from patients.services import CaregiverEntry, register_patient
from pumps.models import Interrogation, Pump, PumpModel
from pumps.services import InterrogationEntry, lock_pump
from refills.models import Fill
from refills.services import FillEntry
from visits.domain.roster_types import CataloguePump, Identity, RosterRow, RowError, RowWarning
from visits.services import visit

SOURCE: Final = "roster import"
