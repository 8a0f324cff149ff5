"""``POST /webhooks/{provider}``: the payment providers' webhooks, which are also accepted at ``/api/trigger``.

Every authentic delivery is stored, understood or not: one INSERT, then 200.
"""

import json
from typing import Any

from aiohttp import web

from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation import logs, metrics
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth, rate_limits
from agenciaos_jobs.http.answers import TriggerAnswer
from agenciaos_jobs.http.body import MAX_BODY, MAX_UNAUTHENTICATED_BODY, answer, read_bytes
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, INTAKE, REQUEST_ID
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Handler, Operation
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.payments.jobs.process_provider_webhook import job_of
from agenciaos_jobs.payments.provider import NotAuthenticError, NotConfiguredError, Provider
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.payments.resources import PAYMENTS


def sender_of(body: Any) -> type[Provider] | None:
    """The provider whose webhook a body at ``/api/trigger`` is."""
    return next((one for one in PROVIDERS if one.recognises(body)), None)


async def forwarded(request: web.Request) -> web.Response | None:
    """Accepts a provider's webhook sent to ``/api/trigger`` without the key; ``None`` for any other request."""
    sender = sender_of(_parsed(await read_bytes(request, max_bytes=MAX_UNAUTHENTICATED_BODY)))
    return await accept(request, sender) if sender else None


async def accept(request: web.Request, sender: type[Provider]) -> web.Response:
    """Stores an authentic delivery. Raises 401 for any other, and 503 while the provider's secret is not set."""
    limit = MAX_BODY if auth.key_of(request) else MAX_UNAUTHENTICATED_BODY
    body = await read_bytes(request, max_bytes=limit)
    try:
        payload = request.app[PAYMENTS].providers[sender.name].authenticate(body, request.headers)
    except NotConfiguredError as error:
        raise RequestError(503, error.text, headers={"Retry-After": "60"}) from None
    except NotAuthenticError as error:
        metrics.WEBHOOKS.labels(sender.name, "refused").inc()
        request.app[ALERTS].record(
            WRONG_TOKEN,
            sender.name,
            subject=address_of(request),
            endpoint=f"webhook {sender.label}: {sender.credential}",
        )
        raise RequestError(401, error.text) from None
    if auth.key_of(request) is None:
        rate_limits.uncount_address(request)
    job = job_of(sender)
    new = new_run(job, payload, source=sender.name, request_id=request[REQUEST_ID])
    accepted = await request.app[INTAKE].trigger(new)
    metrics.WEBHOOKS.labels(sender.name, "kept").inc()
    logs.add_context(run_id=accepted.run_id, task=job.task)
    return answer(TriggerAnswer(jobId=accepted.run_id, message=job.accepted.in_language(accepted_language(request))))


def _parsed(body: bytes) -> Any:
    """The body, parsed more leniently than other callers'; ``None`` if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _handler(provider: type[Provider]) -> Handler:
    async def receive(request: web.Request) -> web.Response:
        return await accept(request, provider)

    receive.__name__ = f"receive_{provider.name}"
    return receive


def operations() -> list[Operation]:
    """An endpoint for each provider."""
    return [
        Operation(
            "POST",
            f"/webhooks/{one.name}",
            _handler(one),
            Text(f"Recebe um webhook: {one.label}", f"Receives a webhook: {one.label}"),
            request=one.webhook_schema,
            answers={200: TriggerAnswer},
            problems=(400, 401, 408, 413, 415, 503),
            needs_key=False,
        )
        for one in PROVIDERS
    ]
