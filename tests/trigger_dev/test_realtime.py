"""Subscriptions, by the protocol: what a subscriber is told, and when."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.service import Service, running_server

from agenciaos_jobs.engine.store import live
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.trigger_dev import electric, realtime

PATIENCE = 10


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings) as running:
        yield running


@dataclass
class Subscriber:
    """Asks like ElectricSQL's client: from the last answer's offset, live once it is up to date."""

    service: Service
    path: str
    offset: str = "-1"
    handle: str = ""

    async def ask(self, **other: str) -> tuple[int, list[dict[str, Any]]]:
        live = {} if self.offset == "-1" else {"live": "true", "handle": self.handle}
        params = {"offset": self.offset, **live, **other}
        async with self.service.http.get(self.path, params=params) as response:
            if response.status == 200:
                self.offset, self.handle = response.headers["electric-offset"], response.headers["electric-handle"]
            return response.status, await response.json()

    async def statuses(self) -> dict[str, str]:
        """The statuses of the runs that are new, once there is something new."""
        status, (*changes, last) = await asyncio.wait_for(self.ask(), PATIENCE)
        assert (status, last) == (200, electric.UP_TO_DATE)
        return {change["value"]["id"]: change["value"]["status"] for change in changes}


async def test_a_subscriber_gets_the_run_and_then_each_change(server: Service):
    run_id = await server.trigger("monthly-report", delay="1h")
    subscriber = Subscriber(server, f"/realtime/v1/runs/{run_id}")
    assert await subscriber.statuses() == {run_id: "DELAYED"}
    waiting = asyncio.create_task(subscriber.statuses())
    await followed(server, f"run:{run_id}")
    await server.post(f"/api/v2/runs/{run_id}/cancel", {})
    assert await waiting == {run_id: "CANCELED"}


async def followed(server: Service, *names: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not server.app[keys.LIVE]._followers.keys() >= set(names):
            await asyncio.sleep(0.01)


async def test_what_changed_between_two_polls_is_told_at_once(server: Service):
    run_id = await server.trigger("monthly-report", delay="1h")
    subscriber = Subscriber(server, f"/realtime/v1/runs/{run_id}")
    await subscriber.statuses()
    await server.post(f"/api/v2/runs/{run_id}/cancel", {})
    assert await subscriber.statuses() == {run_id: "CANCELED"}


async def test_what_was_written_before_the_look_and_committed_after_it_is_told(server: Service, db: asyncpg.Connection):
    run_id = await server.trigger("monthly-report", delay="1h", tags=["vip"])
    followers = [Subscriber(server, path) for path in (f"/realtime/v1/runs/{run_id}", "/realtime/v1/runs?tags=vip")]
    async with db.transaction():
        await db.execute("UPDATE jobs.runs SET status = 'QUEUED'")
        assert [await follower.statuses() for follower in followers] == [{run_id: "DELAYED"}] * 2
    assert [await follower.statuses() for follower in followers] == [{run_id: "PENDING"}] * 2


async def test_without_news_a_poll_ends_and_the_next_goes_on(server: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(realtime, "POLL", realtime.POLL / 200)
    run_id = await server.trigger("monthly-report", delay="1h")
    subscriber = Subscriber(server, f"/realtime/v1/runs/{run_id}")
    assert await subscriber.statuses() == {run_id: "DELAYED"}
    assert await subscriber.statuses() == {}
    assert await subscriber.statuses() == {}


async def test_tags_must_all_be_there_and_runs_be_young_enough(server: Service, db: asyncpg.Connection):
    both, _one, old = [
        await server.trigger("monthly-report", delay="1h", tags=tags) for tags in (["a", "b"], ["a"], ["a", "b"])
    ]
    await db.execute("UPDATE jobs.runs SET id = 'run_00' || substr(id, 7) WHERE id = $1", old)
    assert await Subscriber(server, "/realtime/v1/runs?tags=b,a&createdAt=10m").statuses() == {both: "DELAYED"}
    assert (await server.get("/realtime/v1/runs"))[0] == 422
    assert (await server.get("/realtime/v1/runs?tags=a&createdAt=yesterday"))[0] == 422


async def test_those_who_follow_a_tag_share_a_look_and_each_is_told_what_is_new_to_it(
    server: Service, monkeypatch: pytest.MonkeyPatch
):
    looks: list[int] = []

    async def looked(executor: Any, tags: Any, asked: Any) -> Any:
        looks.append(len(asked))
        return await read_tagged(executor, tags, asked)

    read_tagged = live.read_tagged
    monkeypatch.setattr(live, "read_tagged", looked)
    followers, run_ids = [], []
    for _ in range(12):
        run_ids.append(await server.trigger("monthly-report", delay="1h", tags=["hot"]))
        followers.append(Subscriber(server, "/realtime/v1/runs?tags=hot"))
        assert set(await followers[-1].statuses()) == set(run_ids)
    last = await server.trigger("monthly-report", delay="1h", tags=["hot"])
    told = await asyncio.gather(*[follower.statuses() for follower in followers])
    assert [set(statuses) for statuses in told] == [{*run_ids[n + 1 :], last} for n in range(12)]
    assert sum(looks) >= 12
    assert max(looks) > 1


async def test_runs_that_join_a_batch_are_told_those_too_that_were_there_before(server: Service):
    item = {"task": "generate-monthly-reports", "payload": {}, "options": {"delay": "1h", "idempotencyKey": "k"}}
    status, batch = await server.post("/api/v3/batches", {"runCount": 2, "taskIdentifiers": [item["task"]]})
    assert status == 200, batch
    path = f"/realtime/v1/batches/{batch['id']}"
    follower = Subscriber(server, path)
    assert await follower.statuses() == {}
    _, made_before = await server.post(f"/api/v1/tasks/{item['task']}/trigger", item)
    await follower.ask(live="false")
    waiting = asyncio.create_task(follower.statuses())
    await followed(server, f"batch:{batch['id']}")
    options = {"delay": "1h"}
    lines = "\n".join(json.dumps(item | {"index": n, "options": o}) for n, o in enumerate([item["options"], options]))
    headers = {"Content-Type": "application/x-ndjson"}
    async with server.http.post(f"/api/v3/batches/{batch['id']}/items", data=lines, headers=headers) as response:
        new = (await response.json())["runs"]
    assert made_before["id"] in new
    assert await waiting == dict.fromkeys(new, "DELAYED")
    assert (await server.get("/realtime/v1/batches/batch_unknown"))[0] == 404


async def test_a_row_tells_metadata_tags_ttl_and_times(server: Service):
    body = {
        "payload": {},
        "options": {"metadata": {"step": 1}, "ttl": "10m", "tags": ["a"], "test": True, "delay": "1h"},
    }
    _, run = await server.post("/api/v1/tasks/generate-monthly-reports/trigger", body)
    _, (told, _) = await server.get(f"/realtime/v1/runs/{run['id']}")
    row = told["value"]
    assert json.loads(row["metadata"]) == {"step": 1}
    assert (row["metadataType"], row["ttl"], row["isTest"], row["runTags"]) == ("application/json", "10m", "t", '{"a"}')
    assert datetime.fromisoformat(row["delayUntil"]) - datetime.fromisoformat(row["createdAt"]) == timedelta(hours=1)


async def test_who_holds_something_else_is_sent_back_to_the_beginning(server: Service):
    run_id = await server.trigger("monthly-report", delay="1h")
    subscriber = Subscriber(server, f"/realtime/v1/runs/{run_id}")
    await subscriber.statuses()
    mark, handle = subscriber.offset, subscriber.handle
    for wrong in ({"handle": "other"}, {"offset": "0_0"}, {"offset": "999999999:999999999:"}, {"offset": "9:1:2"}):
        subscriber.offset, subscriber.handle = mark, handle
        assert await subscriber.ask(**wrong) == (409, [electric.MUST_REFETCH])
    assert await subscriber.ask(skipColumns="payload") == (409, [electric.MUST_REFETCH])
    assert (await Subscriber(server, "/realtime/v1/runs/run_unknown").ask())[0] == 404


@pytest.mark.slow
async def test_a_server_that_stops_answers_its_subscribers(settings: Settings):
    async with running_server(settings) as server:
        run_id = await server.trigger("monthly-report", delay="1h")
        subscriber = Subscriber(server, f"/realtime/v1/runs/{run_id}")
        await subscriber.statuses()
        waiting = asyncio.create_task(subscriber.statuses())
        await followed(server, f"run:{run_id}")
        await server.app.shutdown()
        assert await waiting == {}


@pytest.fixture
async def wide(server: Service) -> AsyncIterator[Service]:
    """A client that opens as many connections as it likes."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, connector=connector, headers=server.http.headers) as http:
        yield replace(server, http=http)


@pytest.mark.slow
async def test_five_hundred_subscribers_at_once(server: Service, wide: Service, db: asyncpg.Connection):
    async def run(number: int) -> str:
        return await server.trigger("monthly-report", delay="1h", tags=[f"agency:{number % 50}"])

    run_ids = await asyncio.gather(*[run(number) for number in range(400)])
    subscribers = [Subscriber(wide, f"/realtime/v1/runs/{run_id}") for run_id in run_ids]
    subscribers += [Subscriber(wide, f"/realtime/v1/runs?tags=agency:{number % 50}") for number in range(100)]
    first = await asyncio.gather(*[subscriber.statuses() for subscriber in subscribers])
    assert [len(statuses) for statuses in first] == [1] * 400 + [8] * 100
    waiting = [asyncio.create_task(subscriber.statuses()) for subscriber in subscribers]
    await followed(server, *(f"run:{run_id}" for run_id in run_ids), *(f"tag:agency:{number}" for number in range(50)))
    await db.execute("UPDATE jobs.runs SET status = 'CANCELED', finished_at = now()")
    told = await asyncio.gather(*waiting)
    assert [set(statuses.values()) for statuses in told] == [{"CANCELED"}] * 500
    assert [len(statuses) for statuses in told] == [1] * 400 + [8] * 100
    assert await db.fetchval("SELECT count(*) FROM jobs.watchers") == 1


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
async def test_arrays_are_written_as_postgres_reads_them(texts: list[str]):
    assert parse_array(electric._array(texts)) == texts


def parse_array(text: str) -> list[str]:
    """By the rules of Postgres 8.15.6: quoted elements, a backslash before what is meant escape_like."""
    elements, rest = [], text[1:-1]
    while rest:
        element, rest = "", rest.lstrip(",")[1:]
        while rest[0] != '"':
            literal = rest[0] == "\\"
            element, rest = element + rest[literal], rest[1 + literal :]
        elements.append(element)
        rest = rest[1:]
    return elements


@given(st.sets(st.integers(1, 10**18 - 1), min_size=2))
def test_a_snapshot_is_a_mark(numbers: set[int]):
    first, *running, last = sorted(numbers)
    assert electric.is_cursor(f"{first}:{last}:{','.join(map(str, running))}")
    assert not electric.is_cursor(f"{last}:{first}:{','.join(map(str, running))}")


@given(st.text("0123456789:,-_x²"))
def test_whatever_passes_for_a_mark_is_one(text: str):
    if electric.is_cursor(text):
        first, last, _ = text.split(":")
        assert 0 < int(first) <= int(last)
