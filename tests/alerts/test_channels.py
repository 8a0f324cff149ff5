"""Mail and Slack against real counterparts: what is sent, and what is made of each refusal."""

import asyncio
import json
import re
import socket
from datetime import timedelta
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.channels import PASSWORD, USER, FakeSlack, receiving, refused, smtp_server, told, trusting

from agenciaos_jobs.alerts.alert import Notification
from agenciaos_jobs.alerts.channels import email
from agenciaos_jobs.alerts.channels.email import EmailChannel, Server, body
from agenciaos_jobs.alerts.channels.slack import SlackChannel, payload
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.registry import JOBS


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
    assert sent["Subject"] == "[AgênciaOS Jobs] Mais 37×: generate-ai-content: execução falhou definitivamente"
    assert (sent["To"], sent["Message-ID"]) == ("ops@a.br, chefe@a.br", "<notice_1@agenciaos.com.br>")
    text = sent.get_content()
    for part in (
        "<agência> & cia",
        "Quando: mais 37",
        "  run_2",
        "O que fazer: Abra",
        "status=FAILED",
        "English: 37× more",
    ):
        assert part in text


@pytest.mark.parametrize("title", ["a\r\nBcc: x@y.z", "a\nBcc: x@y.z", "a\x00\x0b\x85\u2028Bcc: x@y.z"])
async def test_a_title_stays_one_line_of_the_mail_s_head(title: str):
    async with smtp_server() as (mailbox, port):
        await mail(port).send("notice_1", told(title=title, what="x"))
    (sent,) = mailbox.mails
    assert (sent["Subject"], sent["Bcc"]) == ("[AgênciaOS Jobs] a Bcc: x@y.z", None)


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


async def test_a_mail_server_that_drips_is_given_up_before_the_delivery_s_own_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
):
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 localhost\r\n")
        while await reader.readline():
            await asyncio.sleep(0.1)
            writer.write(b"250 localhost\r\n")
        writer.close()

    assert JOBS["deliver-alert"].limits.max_duration > email._TOTAL_TIMEOUT
    monkeypatch.setattr(email, "_TOTAL_TIMEOUT", 0.25)
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        channel = EmailChannel(Server.read(f"smtp://127.0.0.1:{port}?tls=none"), USER, ["ops@a.br"])
        error = await refused(channel)
        assert (error.code, error.is_final) == ("smtp_interrupted", False)
        with pytest.raises(ChannelError, match="TimeoutError"):
            await channel.probe()


@pytest.mark.parametrize(
    "url", ["smtp://", "http://h", "smtp://h?tls=maybe", "mail", "smtp://u:hun/ter2@h", "smtp://u:[hunter2@h"]
)
def test_an_smtp_url_that_is_none_is_refused(url: str):
    with pytest.raises(ValueError, match=r"^expected smtp://user:password@host:587 or smtps://user:password@host:465$"):
        Server.read(url)


async def test_slack_gets_blocks_with_a_fallback_and_its_control_characters_escaped():
    async with receiving(FakeSlack()) as slack:
        await SlackChannel(slack.url, SystemClock()).send("notice_1", told())
        assert await SlackChannel(slack.url, SystemClock()).probe() == "the webhook exists"
    message = json.loads(slack.bodies[0])
    assert message["text"].startswith("Mais 37×: generate-ai-content")
    assert message["blocks"][0]["text"]["text"].startswith("🔴 Mais 37×")
    assert "&lt;agência&gt; &amp; cia" in message["blocks"][1]["text"]["text"]
    assert message["blocks"][-1]["text"]["text"] == (
        "<https://jobs.agenciaos.com.br/runs?task=x&amp;status=FAILED|Abrir no painel>"
    )
    texts = [block.get("text") or block["elements"][0] for block in message["blocks"][1:]]
    assert [text["verbatim"] for text in texts] == [True] * len(texts), "Slack links names and channels by itself"
    assert payload(told(telling=Notification.RESOLVED))["blocks"][0]["text"]["text"].startswith("✅")


@example("😀" * 200, "😀&" * 2000, ["<" * 400] * 10)
@given(st.text(max_size=400), st.text(min_size=1, max_size=4000), st.lists(st.text(max_size=400), max_size=10))
def test_whatever_an_alert_says_slack_can_take_it(title: str, text: str, subjects: list[str]):
    message = told(title=title, what=text, subjects=tuple(subjects), advice=text, english=title, times=text)
    sent = payload(message)
    assert FakeSlack().refusal(json.dumps(sent).encode()) is None
    assert not re.search(r"&(?!amp;|lt;|gt;)", json.dumps([sent["text"], sent["blocks"][1:]])), "half an escape"
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
        error = await refused(SlackChannel(slack.url, SystemClock()))
        assert (error.code, error.is_final, str(status) in error.message) == (code, is_final, True)
        assert "secret" not in error.message
        if status in {404, 410}:
            slack.answers(status, text)
            with pytest.raises(ChannelError, match=text):
                await SlackChannel(slack.url, SystemClock()).probe()


async def test_slack_says_how_long_to_wait_and_may_be_away():
    async with receiving(FakeSlack()) as slack:
        slack.answers(429, "rate_limited", {"Retry-After": "30"})
        error = await refused(SlackChannel(slack.url, SystemClock()))
        assert (error.is_final, error.after) == (False, timedelta(seconds=30))
    error = await refused(SlackChannel("http://127.0.0.1:9/secret", SystemClock()))
    assert (error.code, error.is_final, "secret" in error.message) == ("slack_unreachable", False, False)
