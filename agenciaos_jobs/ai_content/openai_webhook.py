"""``POST /webhooks/openai``: OpenAI notifies that a response is complete.

The events: https://platform.openai.com/docs/api-reference/webhook-events. An event only wakes the run, which then reads
the response itself; so repeats, and events out of order, change nothing.
"""

from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.ai_content.openai.signature import OpenAIWebhook
from agenciaos_jobs.ai_content.store import responses
from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.webhook_signature import BadSignatureError
from agenciaos_jobs.http.body import MAX_UNAUTHENTICATED_BODY, answer, parse_json, read_bytes
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, CONTROL, DATABASE
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError

OPENAI_WEBHOOK = web.AppKey("openai_webhook", OpenAIWebhook)

log = structlog.get_logger("agenciaos_jobs.openai_webhook")

_ENDS = {"response.completed", "response.failed", "response.cancelled", "response.incomplete"}
_REFUSED = Text(
    "A assinatura do webhook não confere (OPENAI_WEBHOOK_SECRET)",
    "The webhook's signature does not match (OPENAI_WEBHOOK_SECRET)",
)


class Event(BaseModel):
    """What of an event matters here."""

    type: str
    data: dict[str, Any] = {}


class Received(BaseModel):
    """The event is authentic; ``runId`` is the run that goes on because of it."""

    received: bool = True
    runId: str | None = None  # noqa: N815


async def receive_openai_webhook(request: web.Request) -> web.Response:
    body = await read_bytes(request, max_bytes=MAX_UNAUTHENTICATED_BODY)
    try:
        await request.app[OPENAI_WEBHOOK].verify(request.headers, body)
    except BadSignatureError as error:
        metrics.WEBHOOKS.labels("openai", "refused").inc()
        log.warning("webhook_refused", reason=str(error))
        request.app[ALERTS].record(WRONG_TOKEN, "openai", subject=address_of(request))
        raise RequestError(401, _REFUSED) from None
    event = _read(parse_json(body))
    run_id = await _run_of(request, event) if event and event.type in _ENDS else None
    if run_id:
        await request.app[CONTROL].wake(run_id)
    metrics.WEBHOOKS.labels("openai", "woke_run" if run_id else "ignored").inc()
    log.info("webhook_received", type=event.type if event else None, run_id=run_id)
    return answer(Received(runId=run_id))


def _read(body: Any) -> Event | None:
    """The event, or ``None`` for what is no event as we know them: it is authentic, and nothing to us."""
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        return None
    data = body.get("data")
    return Event(type=body["type"], data=data if isinstance(data, dict) else {})


async def _run_of(request: web.Request, event: Event) -> str | None:
    response_id = event.data.get("id")
    return await responses.run_of(request.app[DATABASE], response_id) if isinstance(response_id, str) else None


OPERATIONS = [
    Operation(
        "POST",
        "/webhooks/openai",
        receive_openai_webhook,
        Text("Avisos da OpenAI", "OpenAI's webhook"),
        request=Event,
        answers={200: Received},
        problems=(400, 401, 408, 413, 415, 422, 503),
        needs_key=False,
    )
]
