"""Alerts as webhooks: believed by the library of Standard Webhooks, and never sent to a private address."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import ClientTimeout, ThreadedResolver
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from support.channels import Receiver, receiving, refused, told

from agenciaos_jobs.alerts.channels import webhook
from agenciaos_jobs.alerts.channels.public_addresses import PrivateAddressError, PublicResolver, is_public
from agenciaos_jobs.alerts.channels.webhook import WebhookChannel
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.webhook_signature import key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def hook(url: str, *, private_too: bool = True) -> WebhookChannel:
    return WebhookChannel(url, [SECRET], SystemClock(), private_too=private_too)


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


async def test_while_the_secret_is_rotated_a_receiver_believes_with_the_old_one_and_with_the_new():
    before = "whsec_" + "B" * 32
    async with receiving(Receiver()) as receiver:
        await WebhookChannel(receiver.url, [SECRET, before], SystemClock(), private_too=True).send("notice_1", told())
    for secret in (SECRET, before):
        assert Webhook(secret).verify(receiver.bodies[0], receiver.headers[0])
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "C" * 32).verify(receiver.bodies[0], receiver.headers[0])


async def test_a_name_that_is_public_when_looked_at_and_private_when_called_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
):
    answers = ["93.184.216.34", "127.0.0.1"]

    async def rebinding(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [{"hostname": host, "host": answers.pop(0), "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", rebinding)
    async with receiving(Receiver()) as receiver:
        channel = hook(f"http://rebinding.example:{receiver.server.port}/x", private_too=False)
        assert "resolves" in await channel.probe()
        error = await refused(channel)
        assert (error.code, receiver.bodies, answers) == ("webhook_address_private", [], [])


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


PRIVATE = (
    *("127.0.0.1", "localhost", "[::1]", "10.1.2.3", "169.254.169.254", "0.0.0.0", "[fe80::1]", "[fec0::1]"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "0x7f.1", "ⓛocalhost"),
    *("[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::1]"),
    *("[2002:7f00:1::]", "[2001:0:808:808:0:0:80ff:fffe]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "240.0.0.1"),
)


@pytest.mark.parametrize("host", PRIVATE)
async def test_a_private_address_is_refused_by_number_and_by_name(host: str):
    async with receiving(Receiver()) as receiver:
        error = await refused(hook(f"http://{host}:{receiver.server.port}/x", private_too=False))
        assert (error.code, error.is_final, receiver.bodies) == ("webhook_address_private", True, [])
        with pytest.raises(ChannelError, match="ALERT_WEBHOOK_PRIVATE"):
            await hook(f"http://{host}/x", private_too=False).probe()


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.1", "127.0.0.1.", "nobody.invalid"])
async def test_other_ways_to_write_an_address_lead_nowhere(host: str):
    async with receiving(Receiver()) as receiver:
        channel = hook(f"http://{host}:{receiver.server.port}/x", private_too=False)
        await refused(channel)
        with pytest.raises(ChannelError):
            await channel.probe()
        assert receiver.bodies == []


async def test_the_address_is_checked_when_it_is_dialed_whatever_the_lookup_found(monkeypatch: pytest.MonkeyPatch):
    async def trusting(self: PublicResolver, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return await self._inner.resolve(host, port, family)

    monkeypatch.setattr(PublicResolver, "resolve", trusting)
    async with receiving(Receiver()) as receiver:
        error = await refused(hook(f"http://localhost:{receiver.server.port}/x", private_too=False))
        assert (error.code, receiver.bodies) == ("webhook_address_private", [])


async def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch):
    async def several(*_: object) -> list[dict[str, object]]:
        return [{"host": "93.184.216.34"}, {"host": "192.168.0.1"}]

    resolver = PublicResolver()
    monkeypatch.setattr(resolver._inner, "resolve", several)
    with pytest.raises(PrivateAddressError):
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
    for secret in ("whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "whsec_ação", "A" * 32, "whsec_" + "A" * 100):
        with pytest.raises(ValueError, match=r"^expected whsec_ and the base64 of 24 to 64 bytes$"):
            key_of(secret)


async def test_channels_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhook, "_TIMEOUT", ClientTimeout(total=0.05))
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(5), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        assert (await refused(hook(f"http://127.0.0.1:{port}/"))).code == "webhook_unreachable"
