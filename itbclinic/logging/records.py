"""Logs: one JSON object a line in production, and nothing in them that tells of a patient.

Three things keep patients out. A value that is no plain number or identifier is written as what
it is (`patient 6f1c…`), never as what it holds. An error is written as its type and where it was
raised, since its text may quote a row. And only the fields named in `FIELDS` leave by `extra`.
"""

import contextvars
import datetime as dt
import json
import logging
import re
import traceback
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.db.models import Model

# What every record of a request or a task carries; set by the middleware and the task signals.
context: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("log", default=None)

FIELDS: Final = (
    "request_id", "method", "path", "status", "duration_ms", "user_id", "clinic_ids",
    "api_client_id", "task", "task_id", "state", "error",
)  # fmt: skip
PLAIN: Final = (str, int, float, bool, Decimal, uuid.UUID, dt.date, dt.timedelta, type(None))
MAX_FRAMES: Final = 40
_QUERY = re.compile(r"(/[^\s?'\"]*)\?[^\s'\"]+")


def safe(value: Any) -> Any:
    """The value as it may stand in a log: a model is its name and id, an error its type."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Model):
        identity = getattr(value, "uuid", None) or value.pk
        return f"{value._meta.verbose_name} {identity}"
    if isinstance(value, dict):
        return {str(safe(name)): safe(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [safe(item) for item in value]
    return f"<{type(value).__name__}>"


def trace(error: BaseException) -> dict[str, Any]:
    """Type and places of an error and of its causes, without its text."""
    chain, seen = [], set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-MAX_FRAMES:]
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        code = getattr(current, "pgcode", None)  # PostgreSQL's own, such as 23505
        known = {"type": type(current).__qualname__, "sqlstate": code, "at": places}
        chain.append({name: value for name, value in known.items() if value})
        current = current.__cause__ or current.__context__
    return {"error": chain[0]["type"], "trace": chain}


class NoPatientData(logging.Filter):
    """Makes a record safe before any handler formats it. It lets every record through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, Mapping):
            named: dict[str, object] = {
                str(name): safe(value) for name, value in record.args.items()
            }
            record.args = named
        elif record.args:
            record.args = tuple(safe(value) for value in record.args)
        if not isinstance(record.msg, str):
            record.msg = str(safe(record.msg))
        return True


def message_of(record: logging.LogRecord) -> str:
    """The message, with what follows a question mark in an address cut off."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = str(record.msg)  # a number's place was taken by a model: better bare than lost
    return _QUERY.sub(r"\1", text)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """What `extra` and the surrounding request or task say; `extra` wins."""
    around = context.get() or {}
    given = {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
    return {name: safe(value) for name, value in (around | given).items() if value is not None}


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for production."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            **facts_of(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= trace(record.exc_info[1])
        return json.dumps(line, default=str, ensure_ascii=False)


class LineFormatter(logging.Formatter):
    """A line for people, for the demo and the tests; an error with its text, for the developer."""

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in facts_of(record).items())
        at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC).isoformat(timespec="seconds")
        line = f"{at} {record.levelname} {record.name} {message_of(record)} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configuration(*, production: bool) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_patient_data": {"()": "itbclinic.logging.records.NoPatientData"}},
        "formatters": {
            "json": {"()": "itbclinic.logging.records.JsonFormatter"},
            "line": {"()": "itbclinic.logging.records.LineFormatter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json" if production else "line",
                "filters": ["no_patient_data"],
            },
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # requests.py logs each request. Django's own line about a refused one has the address
            # as it was typed, and Django's own handlers would print a second, unguarded line.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # tasks.py logs each task; Celery's own line quotes the error's text.
            "celery.app.trace": {"level": "CRITICAL"},
            # Its lines may quote a family's paper.
            "weasyprint": {"level": "CRITICAL"},
            "weasyprint.progress": {"level": "CRITICAL"},
        },
    }
