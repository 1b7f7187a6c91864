"""A real mail server on loopback that does as it is told: accept, refuse, hang, drop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller


class Sink:
    """`behave` is read at each message: `accept`, `rcpt 550`, `data 451`, `hang`, `drop`."""

    def __init__(self) -> None:
        self.behave = "accept"
        self.accepted: list[tuple[str, str]] = []  # recipient and Message-ID

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, _: Any) -> str:  # noqa: N802
        if self.behave.startswith("rcpt"):
            return f"{self.behave.split()[1]} no"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, sender: str, options: Any
    ) -> str:
        if self.behave.startswith("mail"):
            return f"{self.behave.split()[1]} no"
        envelope.mail_from = sender
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.behave == "hang":
            await asyncio.sleep(30)
        if self.behave.startswith("data"):
            return f"{self.behave.split()[1]} no"
        [to] = envelope.rcpt_tos
        self.accepted.append((to, message_from_bytes(envelope.content)["Message-ID"]))
        if self.behave == "drop":
            server.transport.abort()
        return "250 OK"


@contextmanager
def running(sink: Sink) -> Iterator[int]:
    """The server's port while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
