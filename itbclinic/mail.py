"""The mail server's address from the environment: one `EMAIL_URL`, or a variable for each part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from itbclinic.environment import MisconfiguredError

SCHEMES = ("smtp", "smtp+tls", "smtps")


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail goes and whom it comes from."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    ssl: bool
    timeout: int
    sender: str


def read(env: Mapping[str, str], base_url: str) -> Mail:
    """Read and check the mail settings.

    Raises:
        MisconfiguredError: with a line that names the variable.
    """
    url = env.get("EMAIL_URL", "")
    parts = _from_url(url) if url else _from_variables(env)
    timeout = _number(env, "EMAIL_TIMEOUT", 10)
    if not 1 <= timeout <= 12:  # nine waits must fit into a message's lease of 120 s
        raise MisconfiguredError("EMAIL_TIMEOUT must be 1 to 12 seconds.")
    host = urlsplit(base_url).hostname or "localhost"
    sender = env.get("EMAIL_FROM", "") or f"reminders@{host}"
    if sender.count("@") != 1 or any(sign in sender for sign in "\r\n <>"):
        raise MisconfiguredError("EMAIL_FROM must be one bare e-mail address.")
    return Mail(timeout=timeout, sender=sender, **parts)


def _from_url(url: str) -> dict[str, Any]:
    found = urlsplit(url)
    if found.scheme not in SCHEMES or not found.hostname:
        raise MisconfiguredError(
            "EMAIL_URL must look like smtp+tls://user:password@host:587 (or smtp://, smtps://)."
        )
    default = {"smtp": 25, "smtp+tls": 587, "smtps": 465}[found.scheme]
    return {
        "host": found.hostname,
        "port": found.port or default,
        "user": unquote(found.username or ""),
        "password": unquote(found.password or ""),
        "starttls": found.scheme == "smtp+tls",
        "ssl": found.scheme == "smtps",
    }


def _from_variables(env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "host": env.get("EMAIL_HOST", "") or "localhost",
        "port": _number(env, "EMAIL_PORT", 25),
        "user": env.get("EMAIL_HOST_USER", ""),
        "password": env.get("EMAIL_HOST_PASSWORD", ""),
        "starttls": env.get("EMAIL_USE_TLS", "") == "1",
        "ssl": env.get("EMAIL_USE_SSL", "") == "1",
    }


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "") or str(default)
    if not text.isdecimal():
        raise MisconfiguredError(f"{name} must be a whole number.")
    return int(text)
