"""A real SMTP server for tests: it keeps what it receives, and can be told to refuse, to hang, or to be away."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pytest_django import Settings

from tests.processes import free_port


class MailServer:
    """`url` is what HOMEROOM_EMAIL_URL takes; `messages` are what was accepted, oldest first."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.messages: list[EmailMessage] = []
        self.attempts = 0
        self.calls = 0
        self.refused_recipients: dict[str, str] = {}
        self.refused_senders: dict[str, str] = {}
        self.answers_to_data: list[str] = []
        """What it says to the next mails instead of taking them, for example `451 later`."""
        self.users: dict[str, str] = {}
        """Who may send, by password. Empty: everybody."""
        self.encryption: ssl.SSLContext | None = None
        """With it, the server speaks TLS from the start, or offers STARTTLS if `offers_starttls`."""
        self.offers_starttls = False
        self.content_came = threading.Event()
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._takes_before_it_answers = False
        self._controller: Controller | None = None
        self._lines: list[asyncio.Transport] = []

    def start(self) -> None:
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            ssl_context=None if self.offers_starttls else self.encryption,
            tls_context=self.encryption if self.offers_starttls else None,
            auth_require_tls=False,
            authenticator=self._authenticate,
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._may_answer.set()
            for line in self._lines:
                self._controller.loop.call_soon_threadsafe(line.abort)
            self._lines.clear()
            self._controller.stop()
            self._controller = None

    def hang(self, *, taken: bool = False) -> None:
        """From now on say nothing once a mail's content has come. Who hangs up then has it taken only if `taken`."""
        self.content_came.clear()
        self._may_answer.clear()
        self._takes_before_it_answers = taken

    def go_on(self) -> None:
        self._may_answer.set()

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == address]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.calls += 1
        assert isinstance(server.transport, asyncio.Transport)
        self._lines.append(server.transport)
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        if self.users and not session.authenticated:
            return "530 Sign in first"
        return self.refused_senders.get(address, "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.attempts += 1
        if self._takes_before_it_answers:
            self._take(envelope)
            await self._hesitate()
            return "250 Taken"
        await self._hesitate()
        if self.answers_to_data:
            return self.answers_to_data.pop(0)
        self._take(envelope)
        return "250 Taken"

    async def _hesitate(self) -> None:
        self.content_came.set()
        await asyncio.to_thread(self._may_answer.wait)

    def _take(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        known = self.users.get(given.login.decode())
        return AuthResult(success=known == given.password.decode(), handled=False)


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def use_mail_server(settings: Settings, url: str, **changes: object) -> None:
    """Point this process at a mail server."""
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"email_url": url} | changes)


def files_of(message: EmailMessage) -> dict[str, tuple[str, bytes]]:
    """Of each file that it brings, by name: its type and what is in it."""
    found: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_attachments():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(part.get_filename())] = (part.get_content_type(), content)
    return found


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
