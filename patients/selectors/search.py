"""The search for a patient: by name, MRN, a number of the pump, or a phone number of the family.

No index: a clinic's patients are a few hundred.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import CharField, Exists, F, Func, OuterRef, Q, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Contains

from patients.domain import search
from patients.models import Caregiver

_PAIRS: Final = "".join(f", '{one}', '{two}')" for one, two in search.PAIRS)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


class Folded(Func):
    """A text as `patients.domain.search.fold` folds it."""

    template = (
        "replace(" * len(search.PAIRS)
        + "translate(lower(regexp_replace(normalize((%(expressions)s)::text, NFKD),"
        + f" '[{search.MARKS}]', '', 'g')),"
        + f" '{_quoted(search.LETTERS_FROM + search.DROPPED)}', '{search.LETTERS_TO}')"
        + _PAIRS
    )
    output_field = TextField()


class Digits(Func):
    """The digits of a text."""

    template = "regexp_replace(%(expressions)s, '[^0-9]', '', 'g')"
    output_field = CharField()


def found_by(text: str, *, patient: str = "", numbers: Sequence[str] = ()) -> Q:
    """The rows that have everything that was typed, each word somewhere.

    Args:
        patient: the way from the row to its patient, such as `patient__`; empty for a patient.
        numbers: other columns of the row to look into.
    """
    names = (f"{patient}family_name", f"{patient}given_name", f"{patient}mrn", *numbers)
    parts: list[Any] = [F(names[0])]
    for name in names[1:]:
        parts += [Value(" "), F(name)]  # a word holds no blank, so none is found across two
    folded = Folded(Concat(*parts, output_field=TextField()))
    found = Q()
    for wanted in search.read(text):
        here = Q()
        for word in wanted.words:
            here &= Q(Contains(folded, word))
        found &= here | _phone(wanted.digits, patient) if wanted.digits else here
    return found


def _phone(digits: str, patient: str) -> Q:
    people = Caregiver.objects.filter(patient=OuterRef(f"{patient}pk"))
    return Q(Exists(people.filter(Contains(Digits(F("phone")), digits))))
