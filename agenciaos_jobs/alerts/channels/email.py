"""Alerts by e-mail, through any provider's SMTP server."""

import asyncio
import ssl
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from agenciaos_jobs.alerts.message import AlertMessage, ChannelError
from agenciaos_jobs.foundation.i18n.formatting import Formatter

_REPLY_TIMEOUT = 20
"""Seconds for one reply of the server."""
_TOTAL_TIMEOUT = 45
"""Seconds for the whole delivery: less than its run may take, because a timed-out run is not retried."""
_NOT_IN_HEADERS = {"Cc", "Cs", "Zl", "Zp"}
_PORTS = {"smtp": 587, "smtps": 465}


def addresses(text: str) -> list[str]:
    """The addresses in a list with commas."""
    return [address.strip() for address in text.split(",") if address.strip()]


@dataclass(frozen=True)
class Server:
    """Where mail is handed in: ``smtps`` speaks TLS from the start, ``smtp`` turns to it (STARTTLS) or gives up.

    Only ``smtp://…?tls=none`` sends in the clear, for a relay on the same machine.
    """

    host: str
    port: int
    is_implicit: bool
    is_plain: bool
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str) -> Self:
        """Reads ``smtps://user:password@host:465``; anything else is a :class:`ValueError`."""
        expected = ValueError("expected smtp://user:password@host:587 or smtps://user:password@host:465")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its message shows the part, which may be the password's
            raise expected from None
        tls = parse_qs(parts.query).get("tls", ["required"])[-1]
        if parts.scheme not in _PORTS or not parts.hostname or tls not in {"required", "none"}:
            raise expected
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            is_implicit=parts.scheme == "smtps",
            is_plain=parts.scheme == "smtp" and tls == "none",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class Mailer:
    """Hands mail in at a server. Failures are raised as :class:`ChannelError`."""

    def __init__(self, server: Server, context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self._context = context or ssl.create_default_context()

    async def send(self, mail: EmailMessage) -> None:
        """Sends to everybody in the mail's ``To``.

        The error's code is ``smtp_interrupted`` where the connection was lost so late that the mail may be sent.
        """
        is_connected = False
        try:
            async with asyncio.timeout(_TOTAL_TIMEOUT), self._connection() as smtp:
                is_connected = True
                refused, _ = await smtp.send_message(mail)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            explained = _explained(error)
            if is_connected and explained.code == "smtp_unreachable":
                raise ChannelError("smtp_interrupted", explained.message, is_final=False) from error
            raise explained from error
        if refused:
            text = "; ".join(f"{address}: {answer.code} {answer.message}" for address, answer in refused.items())
            raise ChannelError("smtp_recipients_refused", f"sent, but not to {text}", is_final=True)

    async def probe(self) -> None:
        try:
            async with asyncio.timeout(_TOTAL_TIMEOUT), self._connection() as smtp:
                await smtp.noop()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _explained(error) from error

    def _connection(self) -> aiosmtplib.SMTP:
        server = self.server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.is_implicit,
            start_tls=not (server.is_implicit or server.is_plain),
            tls_context=None if server.is_plain else self._context,
            timeout=_REPLY_TIMEOUT,
        )


class EmailChannel:
    """Sends to all recipients at once."""

    def __init__(
        self, server: Server, sender: str, recipients: Sequence[str], context: ssl.SSLContext | None = None
    ) -> None:
        self._mailer, self._sender, self._recipients = Mailer(server, context), sender, tuple(recipients)

    async def send(self, notice_id: str, message: AlertMessage) -> None:
        await self._mailer.send(self._mail(notice_id, message))

    async def probe(self) -> str:
        await self._mailer.probe()
        server = self._mailer.server
        return f"{server.host}:{server.port} accepts the login, to {', '.join(self._recipients)}"

    def _mail(self, notice_id: str, message: AlertMessage) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(f"[AgênciaOS Jobs] {message.title}")
        mail["From"] = Address("AgênciaOS Jobs", addr_spec=self._sender)
        mail["To"] = ", ".join(self._recipients)
        mail["Date"] = format_datetime(datetime.fromisoformat(message.at))
        mail["Message-ID"] = f"<{notice_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body(message))
        return mail


def one_line(text: str) -> str:
    """The text without line breaks, control characters and lone surrogates, none of which a header may hold."""
    return " ".join("".join(" " if unicodedata.category(char) in _NOT_IN_HEADERS else char for char in text).split())


def body(message: AlertMessage) -> str:
    """The message as plain text."""
    parts = [message.title, f"{message.what}\nQuando: {message.times}"]
    if message.listed:
        parts.append("Quais:\n" + "\n".join(f"  {subject}" for subject in message.listed))
    if message.advice:
        parts.append(f"O que fazer: {message.advice}")
    if message.link:
        parts.append(f"No painel: {message.link}")
    fmt = Formatter("en", datetime.fromisoformat(message.at))
    since = fmt.moment(datetime.fromisoformat(message.since))
    parts.append(f"-- \nEnglish: {message.english} ({message.total} since {since})")
    return "\n\n".join(parts) + "\n"


def _explained(error: Exception) -> ChannelError:
    """Which of SMTP's answers are final (RFC 5321 section 4.2.1: 5yz), and what to do about them."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        text = f"the server refused user or password ({error.code} {error.message}): check SMTP_URL"
        return ChannelError("smtp_login_refused", text, is_final=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        text = "; ".join(f"{each.recipient}: {each.code} {each.message}" for each in error.recipients)
        is_final = all(each.code >= 500 for each in error.recipients)
        return ChannelError("smtp_recipients_refused", f"no recipient was accepted: {text}", is_final=is_final)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return ChannelError("smtp_refused", f"{error.code} {error.message}", is_final=error.code >= 500)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return ChannelError("smtp_tls_failed", f"no TLS with the server: {error}", is_final=True)
    if isinstance(error, aiosmtplib.SMTPNotSupported) or "STARTTLS" in str(error):
        return ChannelError("smtp_tls_failed", f"the server offers no STARTTLS or login: {error}", is_final=True)
    return ChannelError("smtp_unreachable", f"{type(error).__name__}: {error}", is_final=False)
