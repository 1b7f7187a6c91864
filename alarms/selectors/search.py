"""The search of the list: by name, MRN, serial number or a phone number of the family.

No index: a clinic's pumps are a few hundred, and the list works out each one's status anyway.
"""

from typing import Any, Final

from django.db.models import CharField, Exists, F, Func, OuterRef, Q, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Contains

from alarms.domain import search
from patients.models import Caregiver

_PAIRS: Final = "".join(f", '{one}', '{two}')" for one, two in search.PAIRS)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


class Folded(Func):
    """A text as `alarms.domain.search.fold` folds it."""

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


def found_by(text: str) -> Q:
    """The pumps that have everything that was typed, each word somewhere."""
    names = ("patient__family_name", "patient__given_name", "patient__mrn", "serial_number")
    parts: list[Any] = [F(names[0])]
    for name in names[1:]:
        parts += [Value(" "), F(name)]  # a word holds no blank, so none is found across two
    folded = Folded(Concat(*parts, output_field=TextField()))
    found = Q()
    for wanted in search.read(text):
        here = Q()
        for word in wanted.words:
            here &= Q(Contains(folded, word))
        found &= here | _phone(wanted.digits) if wanted.digits else here
    return found


def _phone(digits: str) -> Q:
    people = Caregiver.objects.filter(patient=OuterRef("patient"))
    return Q(Exists(people.filter(Contains(Digits(F("phone")), digits))))
