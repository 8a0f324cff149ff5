"""Each channel against a real counterpart: what it sends, and what it makes of each refusal."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from support.channels import PASSWORD, USER, FakeSlack, Receiver, receiving, smtp_server, trusting

from agenciaos_jobs.adapters.channels import webhook
from agenciaos_jobs.adapters.channels.email import EmailChannel, Server, body
from agenciaos_jobs.adapters.channels.slack import SlackChannel, payload
from agenciaos_jobs.adapters.channels.webhook import PublicResolver, WebhookChannel, is_public
from agenciaos_jobs.core.alert import Telling
from agenciaos_jobs.core.clock import SystemClock
from agenciaos_jobs.core.notice import Channel, ChannelError, Message

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def told(**changes: object) -> Message:
    values: dict[str, object] = {
        "kind": "run_failed",
        "key": "generate-ai-content",
        "telling": Telling.MORE,
        "title": "Mais 37: generate-ai-content: execução falhou de vez",
        "what": "LookupError: sem linha para <agência> & cia",
        "times": "mais 37 desde o último aviso; 38 ao todo desde 24/11/2026 09:00",
        "subjects": ("run_1", "run_2"),
        "advice": "Abra a execução.",
        "english": "37 more: generate-ai-content: a run has failed for good",
        "since": NOON.isoformat(),
        "at": NOON.isoformat(),
        "occurrences": 37,
        "total": 38,
        "link": "https://jobs.agenciaos.com.br/runs?task=x&status=FAILED",
    }
    return Message(**(values | changes))  # type: ignore[arg-type]


async def refused(channel: Channel, message: Message | None = None) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await channel.send("notice_1", message or told())
    return caught.value


def mail(port: int, *, password: str = PASSWORD, scheme: str = "smtp", to: tuple[str, ...] = ("ops@a.br",)):
    url = f"{scheme}://{quote(USER, safe='')}:{quote(password, safe='')}@localhost:{port}"
    return EmailChannel(Server.read(url), USER, to, trusting())


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mail_is_sent_after_a_login_over_tls(scheme: str):
    async with smtp_server(implicit=scheme == "smtps") as (mailbox, port):
        channel = mail(port, scheme=scheme, to=("ops@a.br", "chefe@a.br"))
        assert "accepts the login" in await channel.probe()
        await channel.send("notice_1", told())
    (sent,) = mailbox.mails
    assert mailbox.was_encrypted == [True]
    assert sent["Subject"] == "[AgênciaOS Jobs] Mais 37: generate-ai-content: execução falhou de vez"
    assert (sent["To"], sent["Message-ID"]) == ("ops@a.br, chefe@a.br", "<notice_1@agenciaos.com.br>")
    text = sent.get_content()
    for part in (
        "<agência> & cia",
        "Quando: mais 37",
        "  run_2",
        "O que fazer: Abra",
        "status=FAILED",
        "English: 37 more",
    ):
        assert part in text


async def test_a_wrong_password_is_final_and_named_but_not_shown():
    async with smtp_server() as (mailbox, port):
        error = await refused(mail(port, password="errada-mesmo"))
        assert (error.code, error.is_final) == ("smtp_login_refused", True)
        assert "check SMTP_URL" in error.message
        assert "errada" not in error.message
        with pytest.raises(ChannelError, match="refused user or password"):
            await mail(port, password="errada-mesmo").probe()
    assert mailbox.mails == []


async def test_nothing_is_sent_in_the_clear_unless_asked_for():
    async with smtp_server(offers_tls=False) as (mailbox, port):
        error = await refused(mail(port))
        assert (error.code, error.is_final) == ("smtp_tls_failed", True)
    async with smtp_server() as (mailbox, port):
        untrusting = EmailChannel(Server.read(f"smtp://localhost:{port}"), USER, ["ops@a.br"])
        assert (await refused(untrusting)).code == "smtp_tls_failed"
    assert mailbox.mails == []


async def test_an_unknown_recipient_does_not_keep_mail_from_the_others():
    async with smtp_server() as (mailbox, port):
        error = await refused(mail(port, to=("nobody@a.br", "ops@a.br")))
        assert (error.code, "nobody@a.br: 550" in error.message, len(mailbox.mails)) == (
            "smtp_recipients_refused",
            True,
            1,
        )
        error = await refused(mail(port, to=("nobody@a.br",)))
        assert (error.is_final, len(mailbox.mails)) == (True, 1)


async def test_a_mail_server_that_is_away_is_tried_again():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await refused(mail(free.getsockname()[1]))
    assert (error.code, error.is_final) == ("smtp_unreachable", False)


@pytest.mark.parametrize("url", ["smtp://", "http://h", "smtp://h?tls=maybe", "mail"])
def test_an_smtp_url_that_is_none_is_refused(url: str):
    with pytest.raises(ValueError, match="expected smtp://"):
        Server.read(url)


async def test_slack_gets_blocks_with_a_fallback_and_its_control_characters_escaped():
    async with receiving(FakeSlack()) as slack:
        await SlackChannel(slack.url).send("notice_1", told())
        assert await SlackChannel(slack.url).probe() == "the webhook exists"
    message = json.loads(slack.bodies[0])
    assert message["text"].startswith("Mais 37: generate-ai-content")
    assert message["blocks"][0]["text"]["text"].startswith("🔴 Mais 37")
    assert "&lt;agência&gt; &amp; cia" in message["blocks"][1]["text"]["text"]
    assert message["blocks"][-1]["text"]["text"] == (
        "<https://jobs.agenciaos.com.br/runs?task=x&amp;status=FAILED|Abrir no painel>"
    )
    assert payload(told(telling=Telling.OVER))["blocks"][0]["text"]["text"].startswith("✅")


@given(st.text(max_size=400), st.text(min_size=1, max_size=4000), st.lists(st.text(max_size=400), max_size=10))
def test_whatever_an_alert_says_slack_can_take_it(title: str, text: str, subjects: list[str]):
    message = told(title=title, what=text, subjects=tuple(subjects), advice=text, english=title, times=text)
    assert FakeSlack().refusal(json.dumps(payload(message)).encode()) is None
    assert body(message)


@pytest.mark.parametrize(
    ("status", "text", "code", "is_final"),
    [
        (404, "no_service", "slack_no_service", True),
        (410, "channel_is_archived", "slack_channel_is_archived", True),
        (403, "action_prohibited", "slack_action_prohibited", True),
        (400, "invalid_blocks", "slack_invalid_blocks", True),
        (400, "invalid_payload", "slack_invalid_payload", True),
        (500, "rollup_error", "slack_rollup_error", False),
        (503, "<html>", "slack_503", False),
    ],
)
async def test_slack_s_documented_errors_are_told_apart(status: int, text: str, code: str, is_final: bool):
    async with receiving(FakeSlack()) as slack:
        slack.answers(status, text)
        error = await refused(SlackChannel(slack.url))
        assert (error.code, error.is_final, str(status) in error.message) == (code, is_final, True)
        assert "secret" not in error.message
        if status in {404, 410}:
            slack.answers(status, text)
            with pytest.raises(ChannelError, match=text):
                await SlackChannel(slack.url).probe()


async def test_slack_says_how_long_to_wait_and_may_be_away():
    async with receiving(FakeSlack()) as slack:
        slack.answers(429, "rate_limited", {"Retry-After": "30"})
        error = await refused(SlackChannel(slack.url))
        assert (error.is_final, error.after) == (False, timedelta(seconds=30))
    error = await refused(SlackChannel("http://127.0.0.1:9/secret"))
    assert (error.code, error.is_final, "secret" in error.message) == ("slack_unreachable", False, False)


def hook(url: str, *, private_too: bool = True) -> WebhookChannel:
    return WebhookChannel(url, SECRET, SystemClock(), private_too=private_too)


async def test_a_webhook_is_signed_so_that_the_standard_library_of_standard_webhooks_believes_it():
    async with receiving(Receiver()) as receiver:
        await hook(receiver.url).send("notice_1", told())
    verified = Webhook(SECRET).verify(receiver.bodies[0], receiver.headers[0])
    assert (verified["type"], verified["data"]["occurrences"]) == ("alert.raised", 37)
    assert receiver.headers[0]["webhook-id"] == "notice_1"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(receiver.bodies[0].replace(b"37", b"38"), receiver.headers[0])
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(receiver.bodies[0], receiver.headers[0])


async def test_a_receiver_s_answers_are_told_apart():
    async with receiving(Receiver()) as receiver:
        channel = hook(receiver.url)
        for status, is_final in ((500, False), (404, False), (410, True), (302, True)):
            receiver.answers(status, headers={"Location": receiver.url})
            error = await refused(channel)
            assert (error.code, error.is_final) == (f"webhook_{status}", is_final)
        assert len(receiver.bodies) == 4, "a redirect was followed"
        receiver.answers(503, headers={"Retry-After": "7"})
        assert (await refused(channel)).after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "10.1.2.3", "169.254.169.254", "[::ffff:10.0.0.1]", "0.0.0.0", "[fe80::1]"],
)
async def test_a_private_address_is_refused_by_number_and_by_name(host: str):
    async with receiving(Receiver()) as receiver:
        error = await refused(hook(f"http://{host}:{receiver.server.port}/x", private_too=False))
        assert (error.code, error.is_final, receiver.bodies) == ("webhook_address_private", True, [])
        with pytest.raises(ChannelError, match="ALERT_WEBHOOK_PRIVATE"):
            await hook(f"http://{host}/x", private_too=False).probe()


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "nobody.invalid"])
async def test_other_ways_to_write_an_address_lead_nowhere(host: str):
    async with receiving(Receiver()) as receiver:
        await refused(hook(f"http://{host}:{receiver.server.port}/x", private_too=False))
        assert receiver.bodies == []


async def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch):
    async def several(*_: object) -> list[dict[str, object]]:
        return [{"host": "93.184.216.34"}, {"host": "192.168.0.1"}]

    resolver = PublicResolver()
    monkeypatch.setattr(resolver._inner, "resolve", several)
    with pytest.raises(webhook.PrivateAddress):
        await resolver.resolve("example.com")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_an_address_hidden_in_ipv6_is_as_public_as_it_is(address):
    if address.version == 4:
        for hidden in (
            f"::ffff:{address}",
            f"64:ff9b::{address}",
            f"2002:{int(address) >> 16:x}:{int(address) & 65535:x}::",
        ):
            assert is_public(hidden) == is_public(str(address))
    assert not (is_public(str(address)) and (address.is_private or address.is_loopback or address.is_link_local))


def test_a_key_that_signs_nothing_is_refused():
    for secret in ("whsec_", "whsec_c2hvcnQ=", "whsec_!!!"):
        with pytest.raises(ValueError, match=r"whsec_|base64|padded|Invalid|Only"):
            webhook.key_of(secret)


async def test_channels_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    from aiohttp import ClientTimeout

    monkeypatch.setattr(webhook, "_PATIENCE", ClientTimeout(total=0.05))
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(5), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        assert (await refused(hook(f"http://127.0.0.1:{port}/"))).code == "webhook_unreachable"
