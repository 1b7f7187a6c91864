"""No letter holds anything of a patient, whatever the template, the language and the data."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from reminders import transports
from reminders.domain import wording

# What a real patient's record could look like.
PATIENT = {
    "Sofía", "Díaz", "D-719002", "09-Mar-2014", "2014-03-09", "NPX0012345H", "baclofen",
    "Lioresal", "SynchroMed", "pump", "refill date", "21-Nov-2026", "2026-11-21", "350 mcg",
    "spasticity", "Mother", "801-555-0101", "bomba", "baclofeno",
}  # fmt: skip


def letter(template: str, language: str) -> transports.Letter:
    clinic = SimpleNamespace(
        name="Wasatch Clinic", phone_day="801-555-0100", reply_email="desk@clinic.example"
    )
    message: Any = SimpleNamespace(
        template=template, language=language, clinic=clinic, message_id="<1@x.example>",
        about="D-719002", stamp="2026-11-21", recipient_ref="Sofía Díaz", kind="refill",
        milestone="window", obligation="refill:NPX0012345H",
    )  # fmt: skip
    return transports.letter_for(message, "mother@family.example")


def told(found: transports.Letter) -> str:
    return " ".join([found.subject, found.body, found.sender_name, found.reply_to])


@pytest.mark.parametrize(
    ("template", "language"), [*itertools.product(wording.TEMPLATES, wording.LANGUAGES)]
)
def test_a_letter_tells_nothing_of_a_patient(template: str, language: str) -> None:
    text = told(letter(template, language)).casefold()
    found = {word for word in PATIENT if word.casefold() in text}
    assert found == set()


def test_the_test_above_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    leaky = wording.Text("A message about Sofía", "Her pump is due on 21-Nov-2026.")
    monkeypatch.setitem(wording._TEXTS, (wording.CALL_US, wording.ENGLISH), leaky)
    text = told(letter(wording.CALL_US, wording.ENGLISH))
    assert {word for word in PATIENT if word in text} == {"Sofía", "pump", "21-Nov-2026"}


def test_every_template_has_every_language() -> None:
    assert set(wording._TEXTS) == set(itertools.product(wording.TEMPLATES, wording.LANGUAGES))
