"""Single-use public tokens that have triggered."""

from datetime import datetime

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


async def spend(connection: Connection, digest: bytes, request_key: str | None, expires_at: datetime) -> bool:
    """Marks a token as used if the transaction commits; false if another request has used it.

    Waits for other transactions that are about to use it. Retries of one request have its ``request_key``, and may use
    the token again.
    """
    return bool(await connection.fetchval(QUERIES["spend"], digest, request_key, expires_at))


async def is_spent(executor: Executor, digest: bytes) -> bool:
    return bool(await executor.fetchval(QUERIES["is_spent"], digest))


async def drop_expired(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_expired"], now)
