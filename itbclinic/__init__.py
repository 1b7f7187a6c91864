"""The composition root: settings, URLs, Celery, and the pages that show several apps together."""

from .celery import app as celery_app

__all__ = ["celery_app"]
