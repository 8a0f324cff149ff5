"""Idempotency keys: the caller's own, and one for each request, so that a repeated call finds its run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

REQUEST_LIFE = timedelta(hours=1)
"""How long a repeated request finds its run. SDKs stop retrying after a few minutes."""


@dataclass(frozen=True)
class Holder:
    """The run that holds a key, and its payload's hash."""

    run_id: str
    payload_hash: str


@dataclass(frozen=True)
class Requested:
    """The run id of a request. The run was not stored if another run held the idempotency key."""

    run_id: str
    is_stored: bool


def key_digest(key: str | None) -> str | None:
    """The digest under which a key is stored. Keys may be longer than an index entry."""
    return None if key is None else sha256(key.encode()).hexdigest()


async def holder(executor: Executor, task: str, key: str) -> Holder | None:
    """The run that holds an idempotency key."""
    return (await holders(executor, [(task, key)])).get((task, key))


async def holders(executor: Executor, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Holder]:
    """The runs that hold these idempotency keys, given as pairs of task and key."""
    by_digest = {(task, key_digest(key)): (task, key) for task, key in keys}
    tasks, digests = [task for task, _ in by_digest], [digest for _, digest in by_digest]
    return {
        by_digest[record["task"], record["key_digest"]]: Holder(record["run_id"], record["payload_hash"])
        for record in await executor.fetch(QUERIES["holders"], tasks, digests)
    }


async def reset(executor: Executor, task: str, key: str, now: datetime) -> str | None:
    """Resets an idempotency key; returns the id of the run that held it."""
    run_id: str | None = await executor.fetchval(QUERIES["reset"], task, key_digest(key), now)
    return run_id


async def run_of_request(executor: Executor, key: str) -> Requested | None:
    record = await executor.fetchrow(QUERIES["run_of_request"], key_digest(key))
    return Requested(**record) if record else None


async def set_request_run(executor: Executor, key: str, run_id: str) -> None:
    """Sets the run that repetitions of the request find."""
    await executor.execute(QUERIES["set_request_run"], key_digest(key), run_id)


async def delete_request(executor: Executor, key: str, run_id: str) -> None:
    """Deletes a request's key, so that the request can make a run once its idempotency key is free."""
    await executor.execute(QUERIES["delete_request"], key_digest(key), run_id)


async def drop_expired_requests(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_expired_requests"], now)
