"""The Python client against the running service."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from conftest import KEY
from pydantic import BaseModel
from support.sdk import released, running_with_test_jobs
from support.service import Service

import agenciaos_jobs
from agenciaos_jobs.client import (
    APIConnectionError,
    AuthenticationError,
    BatchItem,
    Client,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RunFailedError,
    ServerError,
    SyncClient,
)
from agenciaos_jobs.settings import Settings


class Greeting(BaseModel):
    name: str


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_with_test_jobs(settings) as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with Client(service.url, KEY) as client:
        yield client


async def test_a_run_is_triggered_and_its_output_read_as_a_model(client: Client):
    run = await client.trigger_and_wait("echo", Greeting(name="Ana"), tags=["typed"], wait_timeout=20)
    assert (run.status, run.task_identifier, run.tags, run.attempt_count) == ("COMPLETED", "echo", ["typed"], 1)
    assert run.output_as(Greeting) == Greeting(name="Ana")
    assert run.finished_at is not None


async def test_a_run_that_fails_raises_with_its_error(client: Client):
    with pytest.raises(RunFailedError, match="FAILED: never") as failed:
        await client.trigger_and_wait("fail", wait_timeout=20)
    assert failed.value.run.error
    assert failed.value.run.error.name == "no_good"


async def test_waiting_ends_at_its_timeout_and_the_run_goes_on(client: Client):
    handle = await client.trigger("slow")
    with pytest.raises(TimeoutError):
        await client.runs.wait(handle.id, timeout=0.2)
    assert not (await client.runs.retrieve(handle.id)).is_completed
    await client.runs.cancel(handle.id)
    assert (await client.runs.wait(handle.id, timeout=20)).status == "CANCELED"


async def test_options_reach_the_run_and_runs_are_listed_and_changed(client: Client):
    options = {"delay": timedelta(hours=1), "ttl": "2h", "priority": 5, "metadata": {"a": 1}, "queue": "letters"}
    first = await client.trigger("echo", {"n": 1}, idempotency_key="k", tags=["a", "b"], **options)
    again = await client.trigger("echo", {"n": 1}, idempotency_key="k")
    assert (again.id, first.is_cached, again.is_cached) == (first.id, False, True)
    run = await client.runs.retrieve(first.id)
    assert (run.status, run.ttl, run.metadata, run.idempotency_key) == ("DELAYED", "2h", {"a": 1}, "k")
    later = datetime.now(UTC) + timedelta(hours=3)
    moved = await client.runs.reschedule(first.id, later)
    assert moved.delayed_until
    assert abs(moved.delayed_until - later) < timedelta(seconds=1)
    replayed = await client.runs.replay(first.id, {"n": 2}, tags=["again"])
    assert (await client.runs.wait(replayed.id, timeout=20)).output == {"n": 2}
    page = await client.runs.list(tag=["a", "again"], period=timedelta(days=1), limit=1)
    assert ([run.id for run in page.data], page.next) == ([replayed.id], replayed.id)
    assert [run.id for run in (await client.runs.list(task=["echo"], after=page.next)).data] == [first.id]


async def test_a_batch_is_triggered_once_for_its_key(client: Client):
    items = [BatchItem("echo", {"n": n}, {"tags": ["many"]}) for n in range(3)]
    batch = await client.batch(items, idempotency_key="monday")
    assert (batch.run_count, (await client.batch(items, idempotency_key="monday")).id) == (3, batch.id)
    runs = [await client.runs.wait(run.id, timeout=20) for run in batch.runs]
    assert [(run.output, run.batch_id) for run in runs] == [({"n": n}, batch.id) for n in range(3)]
    async with aclosing(client.runs.subscribe_to_batch(batch.id)) as changes:
        seen = [await anext(changes) for _ in range(3)]
    assert {run.id for run in seen} == {run.id for run in batch.runs}


async def test_a_subscription_yields_each_change_until_the_end(client: Client):
    handle = await client.trigger("slow", {"until": "client"}, tags=["followed"])
    statuses = []
    async with asyncio.timeout(20):
        async for run in client.subscribe(handle.id):
            statuses.append(run.status)
            if run.status == "EXECUTING":
                released.add("client")
    assert statuses[-2:] == ["EXECUTING", "COMPLETED"]
    async with aclosing(client.runs.subscribe_to_tags("followed")) as tagged:
        assert (await anext(tagged)).id == handle.id


async def test_schedules_are_made_and_changed(client: Client):
    made = await client.schedules.create("echo", "0 6 1 * *", deduplication_key="s", timezone="America/Sao_Paulo")
    assert (made.active, made.task, made.generator.expression) == (True, "echo", "0 6 1 * *")
    changed = await client.schedules.update(made.id, "echo", "0 7 * * *", external_id="x")
    assert (changed.external_id, changed.generator.expression) == ("x", "0 7 * * *")
    assert (await client.schedules.deactivate(made.id)).next_run is None
    assert (await client.schedules.activate(made.id)).next_run
    assert made.id in {schedule.id for schedule in (await client.schedules.list()).data}
    await client.schedules.delete(made.id)
    with pytest.raises(NotFoundError):
        await client.schedules.retrieve(made.id)


async def test_a_public_token_does_what_its_scopes_allow(service: Service, client: Client):
    handle = await client.trigger("echo", {"n": 1})
    reading = await client.create_public_token([f"read:runs:{handle.id}"])
    async with Client(service.url, reading) as browser:
        assert (await browser.runs.wait(handle.id, timeout=20)).output == {"n": 1}
        with pytest.raises(PermissionDeniedError):
            await browser.runs.cancel(handle.id)
    once = await client.create_public_token(["trigger:tasks:echo"], life=timedelta(minutes=5), single_use=True)
    async with Client(service.url, once) as browser:
        await browser.trigger("echo")
        with pytest.raises((AuthenticationError, PermissionDeniedError)):
            await browser.trigger("echo")


async def test_errors_are_classes_with_what_the_service_says(service: Service, client: Client):
    with pytest.raises(InvalidRequestError) as invalid:
        await client.trigger("generate-ai-content", {"agencyId": "a"})
    assert (invalid.value.status, "payload.agentType" in invalid.value.fields) == (422, True)
    assert invalid.value.request_id
    with pytest.raises(NotFoundError, match="no-such-task"):
        await client.trigger("no-such-task")
    with pytest.raises(TypeError, match="max_atempts"):
        await client.trigger("echo", max_atempts=1)  # type: ignore[call-arg]
    async with Client(service.url, "wrong-key") as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.runs.retrieve("run_1")


class Lossy:
    """A proxy in front of the service; each of ``faults`` befalls one request, once the service has handled it."""

    def __init__(self, service: Service, *faults: int | None) -> None:
        self.faults, self.requests, self._service = list(faults), 0, service

    async def handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        names = ("Authorization", "Content-Type", "x-trigger-request-idempotency-key")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with ClientSession() as http:
            url = self._service.url + request.path_qs
            async with http.request(request.method, url, data=await request.read(), headers=headers) as response:
                body = await response.read()
        if not self.faults:
            return web.Response(status=response.status, body=body, content_type=response.content_type)
        fault = self.faults.pop(0)
        if fault is None and request.transport:
            request.transport.abort()
        given = {"Retry-After": "0"} if fault == 429 else {"x-should-retry": "false"} if fault == 501 else {}
        return web.json_response({"error": "lost"}, status=fault or 500, headers=given)


@pytest.fixture
async def lossy(service: Service) -> AsyncIterator[tuple[Lossy, str]]:
    proxy = Lossy(service)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    async with TestServer(app) as server:
        yield proxy, str(server.make_url(""))


async def test_what_is_sent_again_makes_one_run(lossy: tuple[Lossy, str], db: asyncpg.Connection):
    proxy, url = lossy
    async with Client(url, KEY, attempts=4) as client:
        for fault in (None, 503, 429):
            proxy.faults = [fault]
            await client.trigger("echo", {"n": 1})
        assert (proxy.requests, await db.fetchval("SELECT count(*) FROM jobs.runs")) == (6, 3)


async def test_attempts_end_and_some_errors_are_final(lossy: tuple[Lossy, str]):
    proxy, url = lossy
    for fault, error, requests in ((None, APIConnectionError, 2), (429, RateLimitError, 2), (501, ServerError, 1)):
        proxy.faults, proxy.requests = [fault] * 2, 0
        async with Client(url, KEY, attempts=2) as client:
            with pytest.raises(error):
                await client.trigger("echo")
        assert proxy.requests == requests


async def test_the_same_without_an_event_loop(service: Service):
    def use() -> None:
        with SyncClient(service.url, KEY) as client:
            run = client.trigger_and_wait("echo", {"n": 1}, wait_timeout=20, tags=["sync"])
            assert run.output == {"n": 1}
            assert [run.status for run in client.subscribe(run.id)] == ["COMPLETED"]
            assert [run.id for run in client.runs.list(tag=["sync"]).data] == [run.id]
            assert client.runs.wait(client.batch([BatchItem("echo")]).runs[0].id).is_success
            assert client.runs.retrieve(client.runs.replay(run.id).id).task_identifier == "echo"
            assert client.schedules.create("echo", "0 6 * * *", deduplication_key="sync", timezone="UTC").active
            assert client.create_public_token(["read"]).count(".") == 2
            with pytest.raises(NotFoundError):
                client.runs.retrieve("run_none")

    await asyncio.to_thread(use)


ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"arq", "asyncpg", "babel", "jinja2", "jwt", "orjson", "redis", "structlog"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from agenciaos_jobs.client import Client, SyncClient
ours = {name.split(".")[1] for name in sys.modules if name.startswith("agenciaos_jobs.")}
assert ours == {"client"}, ours
"""


def test_it_is_imported_without_the_service():
    subprocess.run([sys.executable, "-c", ALONE], check=True)


def test_every_name_for_jobs_is_found_at_its_first_use():
    assert [name for name in agenciaos_jobs.__all__ if not hasattr(agenciaos_jobs, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        agenciaos_jobs.Nothing  # noqa: B018
