"""``POST /webhooks/guru``: webhooks of Digital Manager Guru; they are also accepted at ``/api/trigger``.

Guru retries after most error statuses, but never after 401, 403, 404, 410 or 422; only a wrong token gets one of those.
Every delivery with the right token is stored, understood or not.
"""

from typing import Any

from aiohttp import web

from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation import logs, metrics
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth, rate_limits
from agenciaos_jobs.http.answers import TriggerAnswer
from agenciaos_jobs.http.body import MAX_BODY, MAX_UNAUTHENTICATED_BODY, answer, read_bytes
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, GURU_TOKENS, INTAKE, REQUEST_ID
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.payments.guru import token as guru_token
from agenciaos_jobs.payments.guru.reader import UNREADABLE
from agenciaos_jobs.payments.jobs.process_guru_webhook import JOB


async def receive(request: web.Request) -> web.Response:
    """Accepts a webhook of Guru."""
    body = await read_bytes(request, max_bytes=_limit(request))
    try:
        parsed = guru_token.parsed(body)
    except ValueError:
        parsed = None
    if guru_token.is_native(parsed):
        return await accept(request, parsed)
    return await _accept_text(request, body)


async def accept(request: web.Request, body: Json) -> web.Response:
    """Stores a body that carries the token: one INSERT, then 200."""
    token = _require_token(request, list(guru_token.tokens(body)))
    try:
        kept = guru_token.without_token(body, token)
    except ValueError:
        kept = _as_text(await read_bytes(request, max_bytes=_limit(request)), token)
    return await _enqueue(request, kept)


async def forwarded(request: web.Request) -> web.Response | None:
    """Accepts a Guru webhook sent to ``/api/trigger`` without the key; ``None`` for any other request."""
    try:
        body = guru_token.parsed(await read_bytes(request, max_bytes=MAX_UNAUTHENTICATED_BODY))
    except ValueError:
        return None
    return await accept(request, body) if guru_token.is_native(body) else None


def _limit(request: web.Request) -> int:
    """The limit of a body, whose token is only known once it has been read."""
    return MAX_BODY if auth.key_of(request) else MAX_UNAUTHENTICATED_BODY


async def _accept_text(request: web.Request, body: bytes) -> web.Response:
    """Stores an unparsable body, provided that it contains the right token."""
    token = _require_token(request, guru_token.tokens_in_text(body.decode("utf-8", "replace")))
    return await _enqueue(request, _as_text(body, token))


def _as_text(body: bytes, token: str) -> Json:
    return {UNREADABLE: guru_token.text_without_token(body.decode("utf-8", "replace"), token)}


def _require_token(request: web.Request, given: list[str]) -> str:
    """The account's current or previous token, whichever is among those given. Raises 401 for none of them."""
    expected = request.app[GURU_TOKENS]
    if not expected:
        raise RequestError(503, _NOT_CONFIGURED, headers={"Retry-After": "60"})
    for known in expected:
        if any(auth.constant_time_equals(token, known) for token in given):
            if auth.key_of(request) is None:
                rate_limits.uncount_address(request)
            return known
    metrics.WEBHOOKS.labels("guru", "refused").inc()
    request.app[ALERTS].record(WRONG_TOKEN, "guru", subject=address_of(request))
    raise RequestError(401, _WRONG_TOKEN)


async def _enqueue(request: web.Request, payload: Json) -> web.Response:
    new = new_run(JOB, payload, source="guru", request_id=request[REQUEST_ID])
    accepted = await request.app[INTAKE].trigger(new)
    metrics.WEBHOOKS.labels("guru", "kept").inc()
    logs.add_context(run_id=accepted.run_id, task=JOB.task)
    return answer(TriggerAnswer(jobId=accepted.run_id, message=JOB.accepted.in_language(accepted_language(request))))


_WRONG_TOKEN = Text(
    "O api_token não é o da conta (DMG_WEBHOOK_SECRET)", "The api_token is not the account's (DMG_WEBHOOK_SECRET)"
)
_NOT_CONFIGURED = Text(
    "DMG_WEBHOOK_SECRET não está definida: nenhum webhook da Guru pode ser autenticado",
    "DMG_WEBHOOK_SECRET is not set: Guru webhooks cannot be authenticated",
)

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A Guru webhook, bare or as {payload: …}; kept whatever else is in it",
    "required": [guru_token.TOKEN],
    "properties": {
        guru_token.TOKEN: {"type": "string"},
        "webhook_type": {"type": "string", "enum": ["transaction", "subscription", "webhook_deactivation"]},
    },
}

OPERATIONS = [
    Operation(
        "POST",
        "/webhooks/guru",
        receive,
        Text("Recebe um webhook da Digital Manager Guru", "Receives a webhook of Digital Manager Guru"),
        request=_SCHEMA,
        answers={200: TriggerAnswer},
        problems=(400, 401, 408, 413, 415, 503),
        needs_key=False,
    )
]
