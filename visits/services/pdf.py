"""HTML to tagged PDF. Imported by the worker only, when it renders: WeasyPrint needs Pango, which
the web does without. It may fetch nothing at all: what the paper needs is in its two arguments."""

import logging
from functools import lru_cache
from typing import Any, Final

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

# Its lines may quote what the document says.
for _name in ("weasyprint", "weasyprint.progress", "fontTools"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

VARIANT: Final = "pdf/ua-1"


class FetchRefused(Exception):
    """The document named an address."""


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise FetchRefused


@lru_cache(maxsize=4)
def _prepared(stylesheet: str) -> tuple[CSS, FontConfiguration]:
    """The stylesheet parsed once in a process."""
    fonts = FontConfiguration()
    return CSS(string=stylesheet, url_fetcher=_refuse, font_config=fonts), fonts


def make(html: str, stylesheet: str) -> bytes:
    """The page as a PDF with its tags, language and title."""
    css, fonts = _prepared(stylesheet)
    made = HTML(string=html, url_fetcher=_refuse).write_pdf(
        stylesheets=[css], font_config=fonts, pdf_variant=VARIANT
    )
    if not made:
        raise ValueError("no PDF was made")
    return bytes(made)
