"""Wait tokens of Trigger.dev's SDKs: ``wait.createToken``, ``listTokens``, ``retrieveToken`` and ``completeToken``.

A token is completed with the secret key, with a public token of the scope ``write:waitpoints:<id>``, or by a POST to
its own URL, whose signature needs no key.
"""

import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web
from pydantic import Field

from agenciaos_jobs.engine.store import wait_tokens
from agenciaos_jobs.engine.store.wait_tokens import TokenFilter, TokenStatus, WaitToken
from agenciaos_jobs.engine.wait_tokens import UnknownTokenError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.http.body import answer, read_bytes, read_json, read_model
from agenciaos_jobs.http.fields import read_delay, read_ttl
from agenciaos_jobs.http.keys import CLOCK, LONG_READS, SECRET_KEYS, WAIT_TOKENS
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.http.scopes import writes
from agenciaos_jobs.trigger_dev import run_list
from agenciaos_jobs.trigger_dev.options import Duration, Key, Tags, WireModel
from agenciaos_jobs.trigger_dev.trigger import CLAIMS


class TokenCreation(WireModel):
    """A token to create. ``timeout`` is a duration or a date; without one it waits for ever."""

    idempotency_key: Key | None = None
    idempotency_key_ttl: Duration | None = Field(default=None, alias="idempotencyKeyTTL")
    timeout: Duration | None = None
    tags: Tags | None = None


class TokenCreated(WireModel):
    """The token; ``isCached`` marks one that an earlier call with the same key had created."""

    id: str
    is_cached: bool
    url: str


class TokenCompletion(WireModel):
    """What the token is completed with: any JSON value."""

    data: Any = None


class TokenCompleted(WireModel):
    """The token is completed, by this call or by an earlier one."""

    success: bool


class ListedToken(WireModel):
    """A token. A POST to ``url`` completes it."""

    id: str
    url: str
    status: TokenStatus
    idempotency_key: str | None = None
    idempotency_key_expires_at: datetime | None = None
    timeout_at: datetime | None = None
    completed_at: datetime | None = None
    tags: list[str]
    created_at: datetime


class TokenObject(ListedToken):
    """A token with its output as encoded JSON."""

    output: str | None = None
    output_type: str | None = None
    output_is_error: bool | None = None


class TokenList(WireModel):
    """Tokens, newest first."""

    data: list[ListedToken]
    pagination: run_list.RunPagination


async def create_token(request: web.Request) -> web.Response:
    body = await read_model(request, TokenCreation)
    now = request.app[CLOCK].now()
    token, is_cached = await request.app[WAIT_TOKENS].create(
        timeout=(read_delay(body.timeout, now, "timeout") or timedelta()) if body.timeout else None,
        tags=body.tags or (),
        key=body.idempotency_key,
        key_ttl=read_ttl(body.idempotency_key_ttl, "idempotencyKeyTTL"),
    )
    return answer(TokenCreated(id=token.id, is_cached=is_cached, url=_url(request, token.id)), headers=CLAIMS)


async def list_tokens(request: web.Request) -> web.Response:
    now, size = request.app[CLOCK].now(), run_list.read_size(request)
    after, before = request.query.get("page[after]") or None, request.query.get("page[before]") or None
    found = await wait_tokens.page(request.app[LONG_READS], _filter(request), now, size + 1, after, before)
    shown, pagination = run_list.paginated(found, size, after=after, before=before)
    tokens = [ListedToken(**_fields(request, token, now)) for token in shown]
    return answer(TokenList(data=tokens, pagination=pagination))


async def retrieve_token(request: web.Request) -> web.Response:
    token, now = await request.app[WAIT_TOKENS].get(request.match_info["token_id"]), request.app[CLOCK].now()
    is_completed = token.completed_at is not None
    output = orjson.dumps(token.output).decode() if is_completed else None
    kind = "application/json" if is_completed else None
    is_error = False if is_completed else None
    return answer(
        TokenObject(**_fields(request, token, now), output=output, output_type=kind, output_is_error=is_error)
    )


async def complete_token(request: web.Request) -> web.Response:
    body = await read_model(request, TokenCompletion)
    return await _complete(request, body.data)


async def complete_by_url(request: web.Request) -> web.Response:
    token_id = request.match_info["token_id"]
    expected = [_signature(key, token_id) for key in request.app[SECRET_KEYS]]
    if not any(constant_time_equals(request.match_info["signature"], signature) for signature in expected):
        raise UnknownTokenError(token_id)
    is_empty = not await read_bytes(request)
    return await _complete(request, None if is_empty else await read_json(request))


async def _complete(request: web.Request, output: Any) -> web.Response:
    await request.app[WAIT_TOKENS].complete(request.match_info["token_id"], output)
    return answer(TokenCompleted(success=True))


async def _of_token(request: web.Request) -> Collection[str]:
    return {f"waitpoints:{request.match_info['token_id']}"}


def _fields(request: web.Request, token: WaitToken, now: datetime) -> dict[str, Any]:
    return {
        "id": token.id,
        "url": _url(request, token.id),
        "status": token.status(now),
        "idempotency_key": token.idempotency_key,
        "idempotency_key_expires_at": token.key_expires_at,
        "timeout_at": token.timeout_at,
        "completed_at": token.completed_at,
        "tags": token.tags,
        "created_at": token.created_at,
    }


def _filter(request: web.Request) -> TokenFilter:
    statuses = run_list.read_several(request, "filter[status]")
    if statuses and not set(statuses) <= set(TokenStatus):
        expected = ", ".join(TokenStatus)
        raise wrong_field("filter[status]", "literal_error", f"should be one of {expected}", expected=expected)
    created_from, created_to = run_list.read_times(request)
    return TokenFilter(
        statuses=statuses,
        idempotency_key=request.query.get("filter[idempotencyKey]") or None,
        tags=run_list.read_several(request, "filter[tags]"),
        created_from=created_from,
        created_to=created_to,
    )


def _url(request: web.Request, token_id: str) -> str:
    signature = _signature(request.app[SECRET_KEYS][0], token_id)
    return str(public_url.address(request) / "api/v1/waitpoints/tokens" / token_id / "callback" / signature)


def _signature(key: str, token_id: str) -> str:
    return hmac.new(key.encode(), f"waitpoint:{token_id}".encode("utf-8", "surrogateescape"), sha256).hexdigest()


_PATH = "/api/v1/waitpoints/tokens"
_TOKEN = {"token_id": {"type": "string", "minLength": 1}}
_BODY_PROBLEMS = (400, 404, 408, 413, 415, 422, 503)

OPERATIONS = [
    Operation(
        "POST",
        _PATH,
        create_token,
        Text("Cria um token de espera", "Creates a wait token"),
        answers={200: TokenCreated},
        request=TokenCreation,
        problems=_BODY_PROBLEMS,
    ),
    Operation(
        "GET",
        _PATH,
        list_tokens,
        Text("Tokens de espera, os mais novos primeiro", "Wait tokens, the newest first"),
        answers={200: TokenList},
        query={name: run_list.QUERY[name] for name in run_list.QUERY if "createdAt" in name or "page" in name}
        | {name: {"type": "string"} for name in ("filter[status]", "filter[idempotencyKey]", "filter[tags]")},
        problems=(422, 503),
    ),
    Operation(
        "GET",
        f"{_PATH}/{{token_id}}",
        retrieve_token,
        Text("Um token de espera", "A wait token"),
        answers={200: TokenObject},
        parameters=_TOKEN,
        problems=(404, 503),
    ),
    Operation(
        "POST",
        f"{_PATH}/{{token_id}}/complete",
        complete_token,
        Text("Completa um token de espera", "Completes a wait token"),
        answers={200: TokenCompleted},
        request=TokenCompletion,
        parameters=_TOKEN,
        problems=_BODY_PROBLEMS,
        token_access=writes(_of_token),
    ),
    Operation(
        "POST",
        f"{_PATH}/{{token_id}}/callback/{{signature}}",
        complete_by_url,
        Text("Completa um token pelo seu endereço", "Completes a wait token by its own URL"),
        answers={200: TokenCompleted},
        parameters=_TOKEN | {"signature": {"type": "string", "minLength": 1}},
        problems=_BODY_PROBLEMS,
        needs_key=False,
    ),
]
