"""How a message leaves: one e-mail to one recipient, with a timeout, and an answer that is read."""

import contextlib
import smtplib
from dataclasses import dataclass
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from .domain import retry, wording
from .domain.retry import Outcome, Stage
from .models import OutboxMessage


@dataclass(frozen=True, slots=True)
class Letter:
    """What leaves. It is made at the last moment and kept nowhere."""

    to: str
    subject: str
    body: str
    message_id: str
    sender_name: str
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, without its words: they may quote the address."""

    outcome: Outcome
    smtp_code: int | None = None
    error_class: str = ""
    channel: bool = False


class NotOneLineError(ValueError):
    """Something meant for a header has a line break in it: nothing is sent."""


def letter_for(message: OutboxMessage, to: str) -> Letter:
    """The letter of a message, in words without anything of a patient."""
    clinic = message.clinic
    text = wording.text_of(
        message.template,
        message.language,
        clinic=clinic.name,
        phone=clinic.phone_day,
        board=settings.BOARD_URL,
    )
    return Letter(
        to=to,
        subject=text.subject,
        body=text.body,
        message_id=message.message_id,
        sender_name=clinic.name,
        reply_to=clinic.reply_email,
    )


def send(letter: Letter) -> Answer:
    """Hand one letter to the mail server, outside every transaction.

    Never raises for what a server or a network does: each way to fail is an answer.
    """
    server = get_connection(timeout=settings.EMAIL_TIMEOUT)
    opened = False
    try:
        email = _email(letter, server)
        server.open()
        opened = True
        sent = email.send(fail_silently=False)
    except Exception as error:  # whatever it is must end as a recorded attempt
        stage, said = _place(error, opened=opened)
        # What speaks no SMTP answers with no code of it; Python's library says -1.
        code = said if said is not None and 100 <= said <= 599 else None
        verdict = retry.judge(stage, code)
        return Answer(verdict.outcome, code, type(error).__name__, verdict.channel)
    finally:
        with contextlib.suppress(Exception):  # the letter's fate is known: a farewell changes none
            server.close()
    if sent != 1:  # Django says 0 for a message without a recipient, and nothing else
        return Answer(Outcome.PERMANENT, None, "NothingSent")
    return Answer(Outcome.ACCEPTED, 250)


def _email(letter: Letter, server: BaseEmailBackend) -> EmailMessage:
    for value in (
        letter.to, letter.subject, letter.message_id, letter.sender_name, letter.reply_to,
    ):  # fmt: skip
        if "\r" in value or "\n" in value:
            raise NotOneLineError
    return EmailMessage(
        subject=letter.subject,
        body=letter.body,
        from_email=formataddr((letter.sender_name, settings.DEFAULT_FROM_EMAIL)),
        to=[letter.to],
        reply_to=[letter.reply_to] if letter.reply_to else None,
        headers={
            "Message-ID": letter.message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
        connection=server,
    )


def _place(error: Exception, *, opened: bool) -> tuple[Stage, int | None]:
    """Where it went wrong, and the server's code."""
    if not opened and isinstance(error, smtplib.SMTPServerDisconnected):
        return Stage.CONNECT, None  # it took the connection and said nothing: no letter has gone
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            return Stage.RECIPIENT, codes[0] if codes else None
        case smtplib.SMTPDataError():
            return Stage.CONTENT, error.smtp_code
        case smtplib.SMTPConnectError():
            return Stage.CONNECT, error.smtp_code
        case smtplib.SMTPResponseException():  # sign-in, HELO and MAIL FROM
            return Stage.GREETING, error.smtp_code
        case smtplib.SMTPServerDisconnected():
            return Stage.LOST, None
        case smtplib.SMTPException():
            return Stage.GREETING, None
        case OSError():  # refused, no such host, no route, TLS, or silent before it said a word
            return Stage.CONNECT, None
    return Stage.OURS, None
