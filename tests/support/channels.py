"""What alerts are sent to: a real SMTP server, a Slack that answers as documented, and a receiver of webhooks."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from agenciaos_jobs.alerts.alert import Notification
from agenciaos_jobs.alerts.message import AlertMessage, Channel, ChannelError

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLIC_URL = "https://jobs.agenciaos.com.br"
USER, PASSWORD = "alertas@agenciaos.com.br", "s3nha:com/sinais"
CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost", "127.0.0.1")


class Mailbox:
    """Takes mail for anybody but ``nobody@…``, and for nobody while it is busy."""

    def __init__(self) -> None:
        self.is_busy = False
        self.mails: list[EmailMessage] = []
        self.was_encrypted: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if self.is_busy:
            return "451 4.3.2 try again later"
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.was_encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"


def _authenticate(_: Any, __: Any, ___: Any, ____: Any, given: Any) -> AuthResult:
    is_right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def smtp_server(*, implicit: bool = False, offers_tls: bool = True) -> AsyncIterator[tuple[Mailbox, int]]:
    """A server that wants a login, and TLS before it; yields its mailbox and port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CERTIFICATE.configure_cert(context)
    mailbox = Mailbox()

    def session() -> SMTP:
        starts_tls = context if offers_tls and not implicit else None
        return SMTP(
            mailbox,
            hostname="localhost",
            authenticator=_authenticate,
            auth_required=True,
            auth_require_tls=not implicit,
            tls_context=starts_tls,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if implicit else None)
    try:
        yield mailbox, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def mail(port: int, password: str = PASSWORD) -> dict[str, str]:
    """Settings for that server."""
    return {
        "smtp_url": f"smtp://{quote(USER)}:{quote(password, safe='')}@localhost:{port}",
        "alert_email_from": USER,
        "alert_email_to": "ops@agencia.com.br, chefe@agencia.com.br",
    }


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process trust the certificate of :func:`smtp_server`."""
    make = ssl.create_default_context

    def trusting(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = make(*arguments, **options)
        CA.configure_trust(context)
        return context

    monkeypatch.setattr(ssl, "create_default_context", trusting)


def trusting() -> ssl.SSLContext:
    """A client's context that trusts these servers alone."""
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


class Receiver:
    """An HTTP server that answers what a test tells it to, ``ok`` otherwise, and keeps what came.

    While ``gate`` is closed it answers nothing.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.script: list[web.Response] = []
        self.gate = asyncio.Event()
        self.gate.set()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self.server = TestServer(app)

    def answers(self, status: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        """The next answer."""
        self.script.append(web.Response(status=status, text=text, headers=headers))

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        await self.gate.wait()
        if self.script:
            return self.script.pop(0)
        return self.refusal(self.bodies[-1]) or web.Response(text="ok")

    def refusal(self, body: bytes) -> web.Response | None:
        """What is wrong with a body; a Slack looks at it."""
        return None

    @property
    def url(self) -> str:
        return str(self.server.make_url("/services/T000/B000/secret"))


class FakeSlack(Receiver):
    """Refuses what Slack refuses: see https://docs.slack.dev/reference/block-kit/blocks for the limits."""

    def refusal(self, body: bytes) -> web.Response | None:
        import json

        message = json.loads(body)
        if not message.get("text") and not message.get("blocks"):
            return web.Response(status=400, text="no_text")
        if len(message.get("text", "")) > 40_000:
            return web.Response(status=400, text="msg_too_long")
        blocks = message.get("blocks", [])
        fits = len(blocks) <= 50 and all(_fits(block) for block in blocks)
        return None if fits else web.Response(status=400, text="invalid_blocks")


def _fits(block: dict[str, Any]) -> bool:
    kind = block["type"]
    if kind == "header":
        return _is_text(block["text"], "plain_text", 150)
    if kind == "section":
        return _is_text(block["text"], "mrkdwn", 3000)
    elements = block["elements"]
    return kind == "context" and 0 < len(elements) <= 10 and all(_is_text(one, "mrkdwn", 3000) for one in elements)


def _is_text(given: dict[str, str], kind: str, most: int) -> bool:
    """Whether it is a text object that Slack takes; it counts UTF-16, in which most emoji are two."""
    return given["type"] == kind and 0 < len(given["text"].encode("utf-16-le")) // 2 <= most


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    await receiver.server.start_server()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await receiver.server.close()


@asynccontextmanager
async def every_channel() -> AsyncIterator[tuple[dict[str, Any], Mailbox, FakeSlack, Receiver]]:
    """A mail server, a Slack and a receiver of webhooks, and the settings that name them."""
    slack, receiver = FakeSlack(), Receiver()
    async with smtp_server() as (mailbox, port), receiving(slack), receiving(receiver):
        settings = mail(port) | {
            "slack_webhook_url": slack.url,
            "alert_webhook_url": receiver.url,
            "alert_webhook_secret": SECRET,
            "alert_webhook_private": True,
            "public_url": PUBLIC_URL,
        }
        yield settings, mailbox, slack, receiver


def told(**changes: object) -> AlertMessage:
    """An alert in words."""
    values: dict[str, object] = {
        "kind": "run_failed",
        "key": "generate-ai-content",
        "telling": Notification.REPEATED,
        "title": "Mais 37×: generate-ai-content: execução falhou definitivamente",
        "what": "LookupError: sem linha para <agência> & cia",
        "times": "mais 37 desde o último aviso; 38 ao todo desde 24/11/2026 09:00",
        "subjects": ("run_1", "run_2"),
        "advice": "Abra a execução.",
        "english": "37× more: generate-ai-content: a run has failed for good",
        "since": NOON.isoformat(),
        "at": NOON.isoformat(),
        "occurrences": 37,
        "total": 38,
        "link": "https://jobs.agenciaos.com.br/runs?task=x&status=FAILED",
    }
    return AlertMessage(**(values | changes))  # type: ignore[arg-type]


async def refused(channel: Channel, message: AlertMessage | None = None) -> ChannelError:
    """Why the channel does not take the message."""
    with pytest.raises(ChannelError) as caught:
        await channel.send("notice_1", message or told())
    return caught.value
