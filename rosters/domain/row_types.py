"""What the roster's readers take and give: plain values, no Django."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from dosing.domain.programs import Program
from pumps.domain.limits import PumpLimits

from .cells import tidy, tidy_words

WHOLE_ROW: Final = "(row)"  # the column of an error that no single cell has


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is refused: the heading, a stable code, and a sentence with the way out."""

    column: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RowWarning:
    """What a person should look at in a row that was imported."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CataloguePump:
    """A pump model of the clinic's catalogue: the names it goes by, and its limits with the
    default alarm volume."""

    catalogue_number: str
    names: tuple[str, ...]
    limits: PumpLimits


@dataclass(frozen=True, slots=True)
class Context:
    """What a row is read against."""

    as_of: date
    zone: ZoneInfo
    catalogue: tuple[CataloguePump, ...]
    day_first_sheet: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call, as far as the row says it."""

    relationship: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the row speaks of; what cannot be read is empty or None."""

    mrn: str
    family_name: str
    given_name: str
    date_of_birth: date | None
    serial_number: str

    @property
    def name_key(self) -> tuple[str, str]:
        """The name for comparing: case and the shape of an apostrophe make no other person."""
        return (_key(self.family_name), _key(self.given_name))

    def same_mrn(self, other: "Identity") -> bool:
        return bool(self.mrn) and self.mrn.casefold() == other.mrn.casefold()

    def same_person(self, other: "Identity") -> bool:
        """The same names and date of birth, as far as both rows have them."""
        mine = (*self.name_key, self.date_of_birth)
        theirs = (*other.name_key, other.date_of_birth)
        return all(a == b for a, b in zip(mine, theirs, strict=True) if a and b)


def _key(name: str) -> str:
    return tidy(tidy_words(name)).casefold()


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A row that can be imported. Volumes in mL, concentration in mcg/mL, instants in UTC."""

    row: int
    identity: Identity
    date_of_birth: date
    language: str
    diagnosis: str
    contact: Contact
    catalogue_number: str
    implanted_on: date | None
    refilled_at: datetime
    refill_is_timed: bool  # without a time, any refill of that day may be meant
    volume_ml: Decimal
    concentration_mcg_per_ml: Decimal
    program: Program | None
    low_reservoir_alarm_ml: Decimal | None
    printed_alarm_date: date | None
    warnings: tuple[RowWarning, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row with everything that is wrong with it."""

    row: int
    identity: Identity
    errors: tuple[RowError, ...]
    warnings: tuple[RowWarning, ...]
