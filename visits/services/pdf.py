"""HTML to tagged PDF. Imported by the worker only, when it renders: WeasyPrint needs Pango, which
the web does without. It may fetch nothing at all: what the paper needs is in its two arguments."""

from typing import Any, Final

from weasyprint import CSS, HTML

VARIANT: Final = "pdf/ua-1"


class FetchRefused(Exception):
    """The document named an address."""


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise FetchRefused


def make(html: str, stylesheet: str) -> bytes:
    """The page as a PDF with its tags, language and title."""
    document = HTML(string=html, url_fetcher=_refuse)
    made = document.write_pdf(
        stylesheets=[CSS(string=stylesheet, url_fetcher=_refuse)], pdf_variant=VARIANT
    )
    if not made:
        raise ValueError("no PDF was made")
    return bytes(made)
