"""Streams: what a job writes while it runs reaches its readers, over attempts, outages and stopping servers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from support.node import SDK_LINES, needs_node, run_node
from support.public_tokens import token
from support.sdk import Anything
from support.service import Service, running_server, running_service

from agenciaos_jobs import Job, RetryLater, RunContext
from agenciaos_jobs.engine.store import streams
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http import keys
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

may_end = asyncio.Event()


async def _speak(context: RunContext, payload: Anything) -> dict[str, Any]:
    words = context.stream("words")
    for word in ("olá", {"n": 1}):
        words.write(word)
    await may_end.wait()
    words.write([None, "fim"])
    if (payload.model_extra or {}).get("twice") and context.run.attempt == 1:
        raise RetryLater("again", "once more", after=timedelta(milliseconds=10))
    return {}


async def _misuse(context: RunContext, payload: Anything) -> dict[str, Any]:
    stream = context.stream((payload.model_extra or {}).get("name", "words"))
    stream.write((payload.model_extra or {}).get("chunk"))
    return {}


async def _much(context: RunContext, _: Anything) -> dict[str, Any]:
    for n in range(10_003):
        context.stream("words").write(n)
        if n % 1000 == 0:
            await asyncio.sleep(0.15)  # what is stored makes room in the buffer
    return {}


SPEAK = Job(task="speak", payload=Anything, run=_speak)
MISUSE = Job(task="misuse", payload=Anything, run=_misuse)
MUCH = Job(task="much", payload=Anything, run=_much)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    may_end.clear()
    async with running_service(settings, {**JOBS, "speak": SPEAK, "misuse": MISUSE, "much": MUCH}) as service:
        yield service


async def read(service: Service, run_id: str, **headers: str) -> tuple[list[str], list[str]]:
    """The ids and the data of a stream's events, to its end."""
    ids, data = [], []
    async with service.http.get(f"/realtime/v1/streams/{run_id}/words", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        async for raw in response.content:
            name, _, text = raw.decode().rstrip("\n").partition(": ")
            if name == "id":
                ids.append(text)
            elif name == "data":
                data.append(text)
                if len(data) == 2:
                    may_end.set()
    return ids, data


WORDS = ['"olá"', '{"n":1}', '[null,"fim"]']


async def test_a_reader_gets_each_chunk_while_the_run_goes_on_and_the_end_with_it(service: Service):
    run_id = await service.start(SPEAK)
    async with asyncio.timeout(20):
        ids, data = await read(service, run_id)
        assert data == WORDS
        assert (await read(service, run_id))[1] == WORDS
        assert (await read(service, run_id, **{"Last-Event-ID": ids[0]}))[1] == WORDS[1:]
        assert (await read(service, run_id, **{"Last-Event-ID": "1"}))[1] == WORDS[2:]
    run = await service.run(run_id)
    assert (run["status"], run["metadata"]) == ("COMPLETED", {"$$streams": ["words"]})


async def test_a_new_attempt_goes_on_with_the_stream(service: Service):
    run_id = await service.start(SPEAK, {"twice": True})
    async with asyncio.timeout(20):
        assert (await read(service, run_id))[1] == WORDS * 2


async def test_readers_need_a_scope_and_a_run(service: Service):
    run_id = await service.start(MISUSE, {"chunk": "x"})
    await service.finished(run_id)
    path = f"/realtime/v1/streams/{run_id}/words"
    for scope, expected in ((f"read:runs:{run_id}", 200), ("read:runs:run_other", 403)):
        async with service.http.get(path, headers={"Authorization": f"Bearer {token(scope)}"}) as response:
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (expected, "*")
    assert (await service.get("/realtime/v1/streams/run_unknown/words"))[0] == 404
    for name, value in (("Last-Event-ID", "x"), ("Timeout-Seconds", "0"), ("Timeout-Seconds", "²")):
        status, problem = await service.get(path, **{name: value})
        assert (status, name in problem["error"]) == (422, True)


@pytest.mark.parametrize("payload", [{"name": "a/b"}, {"name": ""}, {"chunk": "x" * 100_001}])
async def test_what_no_stream_takes_fails_the_attempt_and_says_so(service: Service, payload: dict[str, Any]):
    run = await service.finished(await service.start(MISUSE, payload, max_attempts=1))
    assert (run["status"], run["error"]["name"]) == ("FAILED", "ValueError")
    assert "stream" in run["error"]["message"]


async def test_an_attempt_writes_ten_thousand_chunks_and_the_rest_is_dropped(service: Service):
    run_id = await service.start(MUCH)
    assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert (await read(service, run_id))[1] == [str(n) for n in range(10_000)]


async def test_a_stopping_server_breaks_off_and_a_reader_continues_at_another(settings: Settings, service: Service):
    run_id = await service.start(SPEAK)
    path = f"/realtime/v1/streams/{run_id}/words"
    async with running_server(settings) as other, other.http.get(path) as response:
        first = await response.content.readuntil(b"\n\n")
        other.app[keys.DRAINING].set()
        await other.app.shutdown()
        with pytest.raises(aiohttp.ClientError):  # broken off: an end would be the end of the stream
            await response.content.read()
    last = first.decode().partition("id: ")[2].partition("\n")[0]
    may_end.set()
    async with asyncio.timeout(20):
        assert (await read(service, run_id, **{"Last-Event-ID": last}))[1] == WORDS[1:]


async def test_chunks_are_kept_for_a_day(service: Service, db: asyncpg.Connection):
    run_id = await service.start(MISUSE, {"chunk": "x"})
    await service.finished(run_id)
    for hours, left in ((23, ['"x"']), (25, [])):
        await streams.drop_old(db, SystemClock().now() + timedelta(hours=hours))
        assert (await read(service, run_id))[1] == left


@needs_node
@pytest.mark.parametrize("line", SDK_LINES)
async def test_the_sdks_read_streams_to_their_end(service: Service, line: str):
    may_end.set()
    run_id = await service.start(SPEAK)
    seen = await run_node(service, "stream.mjs", line, run_id)
    words = ["olá", {"n": 1}, [None, "fim"]]
    assert seen == {"words": words, "read": words, "from": words[2:], "nothing": [], "along": words}
