"""The curl examples of docs/from-trigger-dev.md, sent to a live server; there is one for every address of the wire."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.service import Service, running_server
from yarl import URL

from agenciaos_jobs.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "from-trigger-dev.md"


@dataclass
class Example:
    """One curl command."""

    method: str
    target: str
    headers: dict[str, str]
    body: str | None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


def examples() -> list[Example]:
    found = []
    for block in re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.S):
        for command in re.findall(r"^curl .*?(?=^curl |^#|\Z)", block, re.S | re.M):
            found.append(_read(shlex.split(command.replace("\\\n", ""), comments=True)))
    return found


def _read(words: list[str]) -> Example:
    example = Example("", "", {}, None)
    given = iter(words[1:])
    for word in given:
        if word == "-X":
            example.method = next(given)
        elif word == "-H":
            name, _, value = next(given).partition(": ")
            example.headers |= {name: value} if value else {}
        elif word == "-d":
            example.body = next(given)
        elif word.startswith("$url"):
            example.target = word.removeprefix("$url")
    if example.body and "Content-Type" not in example.headers:
        example.headers["Content-Type"] = "application/json"
    example.method = example.method or ("POST" if example.body else "GET")
    return example


@pytest.fixture
async def server(settings: Settings):
    async with running_server(settings) as running:
        yield running


async def filled(server: Service, example: Example) -> Example:
    """The example with real ids in the place of those that it leaves open."""
    item: Any = {"task": "generate-monthly-reports", "payload": {}, "options": {"delay": "1h"}}
    target = example.target
    if "run_…" in target:
        _, run = await server.post(f"/api/v1/tasks/{item['task']}/trigger", item)
        target = target.replace("run_…", run["id"])
    if "batch_…" in target:
        _, batch = await server.post("/api/v3/batches", {"runCount": 1, "taskIdentifiers": [item["task"]]})
        target = target.replace("batch_…", batch["id"])
    if "sched_…" in target:
        schedule = {"task": item["task"], "cron": "0 8 1 * *", "deduplicationKey": target}
        _, made = await server.post("/api/v1/schedules", schedule)
        target = target.replace("sched_…", made["id"])
    if "bulk_…" in target:
        _, bulk = await server.post("/api/v1/bulk-actions", {"action": "cancel", "runIds": ["run_unknown"]})
        target = target.replace("bulk_…", bulk["id"])
    if "waitpoint_…" in target:
        _, token = await server.post("/api/v1/waitpoints/tokens", {})
        target = target.replace("waitpoint_…", token["id"])
        if "/callback/" in target:
            target = urlsplit(token["url"]).path
    if "packet_…" in target:
        async with server.http.put("/api/v2/packets/any") as response:
            url = urlsplit((await response.json())["presignedUrl"])
        target = f"{url.path}?{url.query}"
    return Example(example.method, target, example.headers, example.body)


async def test_each_example_is_answered_with_200(server: Service):
    assert len(examples()) > 30
    for example in examples():
        asked = await filled(server, example)
        url, headers = URL(server.url + asked.target), asked.headers
        async with server.http.request(asked.method, url, headers=headers, data=asked.body) as response:
            # What goes on from an answer that nobody has got is sent back to the beginning.
            assert response.status == (409 if "handle=…" in asked.target else 200), (asked, await response.text())


async def test_every_address_of_the_wire_has_an_example(server: Service):
    _, document = await server.get("/openapi.json")
    known = [
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
        if path.startswith(("/api/v", "/api/packets", "/realtime/"))
    ]  # fmt: skip
    shown = [(example.method, example.path) for example in examples()]
    for method, path in known:
        pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path))
        assert any(method == other and pattern.fullmatch(target) for other, target in shown), f"{method} {path}"
    assert len(known) > 25
