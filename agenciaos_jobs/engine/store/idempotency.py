"""Keys under which a call made again finds what it made before: the caller's own, and each request's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

REQUEST_LIFE = timedelta(hours=1)
"""How long a request may be repeated without making a second run; an SDK gives up after a few minutes."""


@dataclass(frozen=True)
class Holder:
    """The run that holds a key, and the hash of the payload it was made with."""

    run_id: str
    payload_hash: str


@dataclass(frozen=True)
class Requested:
    """The run that a request was to make; it is not stored where the request's idempotency key was held."""

    run_id: str
    is_stored: bool


def key_digest(key: str | None) -> str | None:
    """What a key is kept and found by: keys may be longer than an index takes."""
    return None if key is None else sha256(key.encode()).hexdigest()


async def holder(executor: Executor, task: str, key: str) -> Holder | None:
    """The run that holds an idempotency key."""
    return (await holders(executor, [(task, key)])).get((task, key))


async def holders(executor: Executor, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Holder]:
    """The runs that hold these idempotency keys, each given with its task."""
    by_digest = {(task, key_digest(key)): (task, key) for task, key in keys}
    tasks, digests = [task for task, _ in by_digest], [digest for _, digest in by_digest]
    return {
        by_digest[record["task"], record["key_digest"]]: Holder(record["run_id"], record["payload_hash"])
        for record in await executor.fetch(QUERIES["holders"], tasks, digests)
    }


async def reset(executor: Executor, task: str, key: str, now: datetime) -> str | None:
    """Frees an idempotency key; returns the run that held it."""
    run_id: str | None = await executor.fetchval(QUERIES["reset"], task, key_digest(key), now)
    return run_id


async def run_of_request(executor: Executor, key: str) -> Requested | None:
    record = await executor.fetchrow(QUERIES["run_of_request"], key_digest(key))
    return Requested(**record) if record else None


async def settle_request(executor: Executor, key: str, run_id: str) -> None:
    """Has a repetition of the request answered with the run that the request was answered with."""
    await executor.execute(QUERIES["settle_request"], key_digest(key), run_id)


async def forget_request(executor: Executor, key: str, run_id: str) -> None:
    """Lets the request make a run after all, when it had none and its idempotency key has been freed."""
    await executor.execute(QUERIES["forget_request"], key_digest(key), run_id)


async def drop_expired_requests(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_expired_requests"], now)
