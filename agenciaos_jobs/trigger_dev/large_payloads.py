"""Payloads of 128 KB and more, which SDK 4.x uploads to a signed URL before the trigger.

The URL needs no key: its signature is valid for some minutes and for one packet.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from aiohttp import web

from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.json_input import has_nul
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.http.body import answer, nul_refused, read_bytes
from agenciaos_jobs.http.keys import CLOCK, DATABASE, SECRET_KEYS
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError, wrong_field
from agenciaos_jobs.http.scopes import triggers
from agenciaos_jobs.trigger_dev.options import WireModel
from agenciaos_jobs.trigger_dev.store import packets
from agenciaos_jobs.trigger_dev.store.packets import Packet

_URL_LIFE = timedelta(minutes=15)
_PACKET_LIFE = timedelta(days=1)


class PacketAddress(WireModel):
    """The URL to upload a packet to, and the payload to trigger with afterwards (``application/store``)."""

    presigned_url: str
    storage_path: str


class PacketStored(WireModel):
    """The stored packet."""

    id: str


async def create_packet(request: web.Request) -> web.Response:
    clock = request.app[CLOCK]
    packet_id, expires_at = clock.new_id("packet"), str(round((clock.now() + _URL_LIFE).timestamp()))
    signature = _signature(request.app[SECRET_KEYS][0], packet_id, expires_at)
    url = public_url.address(request) / "api/packets" / packet_id % {"expires": expires_at, "signature": signature}
    return answer(PacketAddress(presigned_url=str(url), storage_path=packet_id))


async def put_packet(request: web.Request) -> web.Response:
    packet_id, expires_at = request.match_info["packet_id"], request.query.get("expires", "")
    given = request.query.get("signature", "")
    expected = [_signature(key, packet_id, expires_at) for key in request.app[SECRET_KEYS]]
    if not any(constant_time_equals(given, signature) for signature in expected) or _is_past(
        expires_at, request.app[CLOCK]
    ):
        text = Text("O endereço é inválido ou expirou", "The URL is invalid or has expired")
        raise RequestError(403, text)
    try:
        body = (await read_bytes(request)).decode()
    except UnicodeDecodeError:
        raise wrong_field("", "not_utf8", "must be UTF-8 text") from None
    if has_nul(body.encode()):
        raise nul_refused("")
    packet = Packet(request.content_type, body)
    await packets.put(request.app[DATABASE], packet_id, packet, request.app[CLOCK].now() + _PACKET_LIFE)
    return answer(PacketStored(id=packet_id))


def _signature(key: str, packet_id: str, expires_at: str) -> str:
    signed = f"packet:{packet_id}:{expires_at}".encode("utf-8", "surrogateescape")
    return hmac.new(key.encode(), signed, sha256).hexdigest()


def _is_past(expires_at: str, clock: Clock) -> bool:
    return datetime.fromtimestamp(int(expires_at), UTC) <= clock.now()


_PACKET = {
    "application/json": {"description": "The payload"},
    "application/super+json": {"description": "The payload as superjson"},
    "text/plain": {"type": "string", "description": "The payload as text"},
}

OPERATIONS = [
    Operation(
        "PUT",
        "/api/v2/packets/{name}",
        create_packet,
        Text("Endereço para um payload grande", "An address for a large payload"),
        answers={200: PacketAddress},
        parameters={"name": {"type": "string", "minLength": 1}},
        token_access=triggers("trigger", "batchTrigger"),
    ),
    Operation(
        "PUT",
        "/api/packets/{packet_id}",
        put_packet,
        Text("Recebe um payload grande", "Takes a large payload"),
        answers={200: PacketStored},
        media=_PACKET,
        parameters={"packet_id": {"type": "string", "minLength": 1}},
        problems=(400, 403, 408, 413, 415, 422, 503),
        needs_key=False,
    ),
]
