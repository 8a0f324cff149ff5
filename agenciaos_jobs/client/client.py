"""The asynchronous client."""

import json
import time
import warnings
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any, Self, Unpack
from urllib.parse import quote

from agenciaos_jobs.client.errors import RunFailedError
from agenciaos_jobs.client.models import BatchHandle, BatchItem, Run, RunHandle
from agenciaos_jobs.client.options import TriggerOptions, as_json, as_wire
from agenciaos_jobs.client.runs import Runs
from agenciaos_jobs.client.schedules import Schedules
from agenciaos_jobs.client.transport import Transport

_ISSUER, _AUDIENCE = "https://id.trigger.dev", "https://api.trigger.dev"


class Client:
    """Triggers jobs and follows runs. ``key`` is ``TRIGGER_SECRET_KEY``, or a public token for what its scopes allow.

    ``timeout`` is in seconds for each of the ``attempts`` of a request, and must exceed the 20 seconds that a
    subscription waits. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, url: str, key: str, *, attempts: int = 3, timeout: float = 60) -> None:
        self._transport = Transport(url, key, attempts=attempts, timeout=timeout)
        self.runs = Runs(self._transport)
        self.schedules = Schedules(self._transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def trigger(self, task: str, payload: Any = None, **options: Unpack[TriggerOptions]) -> RunHandle:
        """Triggers a run. The payload is JSON or a pydantic model.

        Raises :class:`InvalidRequestError` with the invalid fields, and :class:`NotFoundError` for an unknown task.
        """
        body = {"payload": as_json(payload), "options": as_wire(options)}
        return await self._transport.call(RunHandle, "POST", f"/api/v1/tasks/{quote(task, safe='')}/trigger", body)

    async def trigger_in(
        self, connection: Any, task: str, payload: Any = None, **options: Unpack[TriggerOptions]
    ) -> RunHandle:
        """Triggers a run in the caller's transaction on the service's database: it exists once that commits.

        ``connection`` is asyncpg's. A worker takes the run a few seconds after the commit. It needs what the service
        needs, and of its settings ``JOBS_MODULES``, ``AGENTS_DIR`` and ``AGENCY_CONCURRENCY``. Raises as
        :meth:`trigger`, and the transaction can go on.
        """
        transactional = import_module("agenciaos_jobs.transactional")
        body = {"payload": as_json(payload), "options": as_wire(options)}
        return RunHandle.model_validate(await transactional.trigger_in(connection, task, body))

    async def trigger_and_wait(
        self, task: str, payload: Any = None, *, wait_timeout: float | None = None, **options: Unpack[TriggerOptions]
    ) -> Run:
        """Triggers a run and waits until it has ended; returns it completed.

        Raises :class:`RunFailedError` if it ends otherwise, and ``TimeoutError`` after ``wait_timeout`` seconds, after
        which the run goes on.
        """
        handle = await self.trigger(task, payload, **options)
        run = await self.runs.wait(handle.id, timeout=wait_timeout)
        if not run.is_success:
            raise RunFailedError(run)
        return run

    async def batch(self, items: Iterable[BatchItem], *, idempotency_key: str | None = None) -> BatchHandle:
        """Triggers up to 1,000 runs, all or none of them."""
        listed = [
            {"task": item.task, "payload": as_json(item.payload), "options": as_wire(item.options)} for item in items
        ]
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        return await self._transport.call(
            BatchHandle, "POST", "/api/v2/tasks/batch", {"items": listed}, headers=headers
        )

    def subscribe(self, run_id: str) -> AsyncIterator[Run]:
        """The run, and again after each change, until it has ended. ``client.runs`` has more subscriptions."""
        return self.runs.subscribe(run_id)

    async def create_public_token(
        self, scopes: Sequence[str], *, life: timedelta = timedelta(hours=1), single_use: bool = False
    ) -> str:
        """A token for a browser, signed here with the key.

        Scopes are such as ``read:runs:run_…``, ``read:tags:…`` and ``trigger:tasks:…``. A ``single_use`` token triggers
        once.
        """
        import jwt  # noqa: PLC0415 - only callers who make tokens need PyJWT

        standard = await self._transport.send("POST", "/api/v1/auth/jwt/claims")
        now = int(time.time())
        times = {"iat": now, "exp": now + int(life.total_seconds()), "iss": _ISSUER, "aud": _AUDIENCE}
        claims = json.loads(standard.body) | times | {"scopes": list(scopes)} | ({"otu": True} if single_use else {})
        with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
            return jwt.encode(claims, self._transport.key, algorithm="HS256")
