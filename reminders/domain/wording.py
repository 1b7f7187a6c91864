"""What the messages say. They name no patient, no drug, no pump and no date: whoever reads over a
shoulder, or runs a mail server on the way, learns nothing."""

from dataclasses import dataclass
from typing import Final

ENGLISH: Final = "en"
SPANISH: Final = "es"
LANGUAGES: Final = (ENGLISH, SPANISH)

BOARD: Final = "board"  # to a nurse: look at the board
CALL_US: Final = "call_us"  # to a family: call the clinic


@dataclass(frozen=True, slots=True)
class Text:
    subject: str
    body: str


_TEXTS: Final = {
    (BOARD, ENGLISH): Text(
        "The refill board has something new",
        "The refill board has something new for you.\n\n{board}\n",
    ),
    (BOARD, SPANISH): Text(
        "El tablero de recargas tiene algo nuevo",
        "El tablero de recargas tiene algo nuevo para usted.\n\n{board}\n",
    ),
    (CALL_US, ENGLISH): Text(
        "A message from {clinic}",
        "You have a message from {clinic}. Please call {phone}.\n",
    ),
    (CALL_US, SPANISH): Text(
        "Un mensaje de {clinic}",
        "Usted tiene un mensaje de {clinic}. Por favor llame al {phone}.\n",
    ),
}
_SPANISH_NAMES: Final = {"es", "spa", "spanish", "español", "espanol", "castellano"}
TEMPLATES: Final = (BOARD, CALL_US)


def language_code(spoken: str) -> str:
    """The language to write in, from what a chart says: Spanish, otherwise English."""
    words = spoken.casefold().replace("-", " ").split()
    return SPANISH if words and words[0] in _SPANISH_NAMES else ENGLISH


def text_of(template: str, language: str, *, clinic: str, phone: str, board: str) -> Text:
    """The subject and the body."""
    found = _TEXTS[template, language]
    values = {"clinic": clinic, "phone": phone, "board": board}
    return Text(found.subject.format(**values), found.body.format(**values))
