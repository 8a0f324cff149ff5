"""A Redis that answers a ping and does not do what the queue needs: each kind gets its sentence, or stops the start."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.exceptions import ResponseError
from support import redis_kinds
from support.commands import cli
from support.probe import Probe
from support.processes import environment, run
from support.redis_kinds import Start, redis_servers
from support.service import running_server, running_service

from agenciaos_jobs.engine import queue, queue_probe, queue_scripts
from agenciaos_jobs.engine.queue_probe import (
    CachedProbe,
    ClusterError,
    FullError,
    LoginError,
    PermissionsError,
    ReplicaError,
    SentinelError,
    UnusableQueueError,
    UnwritableError,
)
from agenciaos_jobs.settings import Settings

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with redis_servers(tmp_path) as start:
        yield start


KINDS = {
    redis_kinds.replica: ReplicaError,
    redis_kinds.full: FullError,
    redis_kinds.unwritable: UnwritableError,
    redis_kinds.without_scripts: PermissionsError,
    redis_kinds.without_writes: PermissionsError,
    redis_kinds.without_channels: PermissionsError,
    redis_kinds.without_keys: PermissionsError,
    redis_kinds.wrong_password: LoginError,
    redis_kinds.cluster: ClusterError,
    redis_kinds.cluster_with_slots: ClusterError,
    redis_kinds.sentinel: SentinelError,
}


@pytest.mark.parametrize(("kind", "error"), KINDS.items(), ids=[kind.__name__ for kind in KINDS])
async def test_each_kind_is_named(start: Start, kind: Any, error: type[UnusableQueueError]):
    client = queue.connect(await kind(start))
    try:
        with pytest.raises(error):
            await queue_probe.probe(client)
    finally:
        await client.aclose(close_connection_pool=True)


@pytest.mark.parametrize(
    "text",
    [
        "ACL failure in script: User jobs has no permissions to run the 'sadd' command script: a12b, on @user_script",
        "ACL failure in script: No permissions to access a channel script: 07ab, on @user_script:5.",
    ],
)
async def test_permissions_are_named_as_redis_8_and_valkey_9_word_it(monkeypatch: pytest.MonkeyPatch, text: str):
    async def refuse(*_: Any, **__: Any) -> None:
        raise ResponseError(text)

    client = queue.connect("redis://127.0.0.1:1")
    monkeypatch.setattr(client, "eval", refuse)
    with pytest.raises(PermissionsError):
        await queue_probe.probe(client)


@pytest.mark.parametrize(
    ("kind", "error"), [(redis_kinds.full, FullError), (redis_kinds.without_scripts, PermissionsError)]
)
async def test_the_server_starts_and_readyz_gives_the_reason(
    settings: Settings, start: Start, kind: Any, error: type[UnusableQueueError]
):
    unusable = settings.model_copy(update={"redis_url": SecretStr(await kind(start))})
    async with running_server(unusable) as server:
        status, readiness = await server.get("/readyz")
        assert (status, readiness["queue"]) == (503, error.text.en)
        assert (await server.get("/healthz"))[0] == 200


async def test_check_gives_the_reason(settings: Settings, start: Start, tmp_path: Path):
    unusable = settings.model_copy(update={"redis_url": SecretStr(await redis_kinds.without_scripts(start))})
    code, text = await cli("check", env=environment(unusable), cwd=tmp_path)
    assert (code, f"✘ queue {PermissionsError.text.en}" in text, "secret-0" in text) == (1, True, False), text


@pytest.mark.parametrize(
    ("kind", "error"), [(redis_kinds.cluster, ClusterError), (redis_kinds.sentinel, SentinelError)]
)
async def test_a_cluster_and_a_sentinel_are_refused_by_name_at_the_start(
    settings: Settings, start: Start, tmp_path: Path, kind: Any, error: type[UnusableQueueError]
):
    refused = settings.model_copy(update={"redis_url": SecretStr(await kind(start))})
    with pytest.raises(error):
        async with running_server(refused):
            pass
    code, text = await run("arq", "agenciaos_jobs.worker.WorkerSettings", env=environment(refused), cwd=tmp_path)
    assert (code, error.text.en in text, "Traceback" in text) == (1, True, False), text


async def test_the_documented_permissions_suffice(settings: Settings, start: Start):
    rules = OPERATIONS.partition("ACL SETUSER agenciaos_jobs on >secret ")[2].partition("\n")[0].split()
    assert rules

    async def work(_: Any) -> dict[str, bool]:
        return {"done": True}

    probe = Probe(work)
    url = await redis_kinds.user(start, *rules)
    async with running_service(settings.model_copy(update={"redis_url": SecretStr(url)}), probe.jobs) as service:
        status, readiness = await service.get("/readyz")
        assert (status, readiness["queue"]) == (200, "ok")
        for options in ({}, {"priority": 5}):
            assert (await service.finished(await service.start(probe.job, **options)))["output"] == {"done": True}
    assert probe.calls == 2


async def test_a_probe_leaves_nothing_behind(start: Start):
    client = queue.connect(f"redis://127.0.0.1:{start('--save', '')}")
    try:
        await asyncio.gather(*[queue_probe.probe(client) for _ in range(20)])
        await queue_probe.probe(client)
        assert await client.keys("*") == []
    finally:
        await client.aclose(close_connection_pool=True)


async def test_probes_are_shared_and_an_outage_is_not_remembered(start: Start, monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []
    outcomes: list[BaseException | None] = [None, FullError(), OSError("away"), None]

    async def probe(_: object) -> None:
        tried.append("probe")
        await asyncio.sleep(0)
        if outcome := outcomes.pop(0):
            raise outcome

    monkeypatch.setattr(queue_probe, "probe", probe)
    cached = CachedProbe(None)  # type: ignore[arg-type]
    await asyncio.gather(*[cached.result() for _ in range(10)])
    assert len(tried) == 1
    cached._expires_at = 0.0
    for _ in range(3):
        with pytest.raises(FullError):
            await cached.result()
    assert len(tried) == 2
    cached._expires_at = 0.0
    with pytest.raises(OSError, match="away"):
        await cached.result()
    await cached.result()
    assert len(tried) == 4


@pytest.mark.parametrize("script", [queue_scripts.SEND, queue_scripts.DEQUEUE, queue_scripts.TAKE])
def test_no_script_makes_up_a_key(script: str):
    """Every key stands in KEYS: in a cluster's slots, and for Dragonfly, which refuses others."""
    calls = [call.split(",", 1)[1].strip() for call in script.split("redis.call(")[1:] if "PUBLISH" not in call[:20]]
    keys = [call for call in calls if not call.startswith(("KEYS[", "unpack(KEYS)"))]
    assert calls
    assert all("KEYS[2]" in key[:60] for key in keys), keys
