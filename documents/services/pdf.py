"""HTML to tagged PDF. Imported by the worker only, when it renders: WeasyPrint needs Pango, which
the web does without. It may fetch nothing at all: what the paper needs is in its two arguments."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from weasyprint import CSS, DEFAULT_OPTIONS, HTML
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


def make(pages: Sequence[str], stylesheet: str) -> tuple[int, bytes]:
    """The first of the pages that fits on one sheet, or the last, as a PDF with its tags, language
    and title.

    Returns:
        Which of them it is, and the PDF.
    """
    css, fonts = _prepared(stylesheet)
    options = DEFAULT_OPTIONS | {"stylesheets": [css], "pdf_variant": VARIANT}
    for number, html in enumerate(pages):
        laid_out = HTML(string=html, url_fetcher=_refuse).render(font_config=fonts, **options)
        if len(laid_out.pages) == 1 or number == len(pages) - 1:
            made = laid_out.write_pdf(**options)
            if made:
                return number, bytes(made)
    raise ValueError("no PDF was made")
