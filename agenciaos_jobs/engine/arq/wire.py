"""arq's wire format: its Redis keys, its messages, and the Redis client of its worker."""

import asyncio
import math
import ssl
from pathlib import Path
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import ConnectionPool, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from agenciaos_jobs.foundation.connections import keepalive
from agenciaos_jobs.foundation.connections.redis_url import RedisURL

log = structlog.get_logger("agenciaos_jobs.queue")

UNAVAILABLE = (RedisError, OSError, asyncio.TimeoutError)
"""The errors of a Redis outage. No run is lost: the rescuer enqueues whatever was not sent."""

QUEUE = default_queue_name
JOB_PREFIX = job_key_prefix
OTHER_PREFIXES = (in_progress_key_prefix, retry_key_prefix)
"""Key prefixes that arq's own worker uses while it executes a message."""

CRON = "cron:"
"""The id prefix of our arq cron jobs."""

_CONNECT_TIMEOUT = 2
_RESPONSE_TIMEOUT = 3
_PROBED_AFTER = 10

Redis = ArqRedis
"""The Redis client. arq's worker accepts no other class."""


def message_of(task: str, run_id: str, now_ms: int) -> str:
    """The queue message for a run."""
    return serialize_job(task, (run_id,), {}, None, now_ms, serializer=encode).decode()


def encode(message: dict[str, Any]) -> bytes:
    """Serializes arq's message as JSON. Values without a JSON form, such as exceptions in results, become text."""
    return orjson.dumps(message, default=str)


def decode(message: bytes) -> dict[str, Any]:
    """Parses arq's message from JSON. Data from Redis is never unpickled."""
    decoded: dict[str, Any] = orjson.loads(message)
    return decoded


class WorkerRedis(ArqRedis):
    """The client of arq's worker: it survives Redis outages and leaves runs to the dispatcher."""

    _cron_due_ms: float = 0
    """When the next of arq's cron jobs is due: until then its polls need no answer from Redis."""

    async def zrangebyscore(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        """arq's poll: returns only cron jobs, and nothing during a Redis outage."""
        if kwargs.get("max", math.inf) < self._cron_due_ms:
            return []
        try:
            members = await super().zrangebyscore(name, *args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", error=type(error).__name__)
            await asyncio.sleep(1)
            return []
        cron_jobs = [member for member in members if member.startswith(CRON.encode())]
        if not cron_jobs:
            self._cron_due_ms = math.inf
        return cron_jobs

    async def enqueue_job(self, *args: Any, **kwargs: Any) -> Any:
        """Enqueues arq's cron jobs. During a Redis outage the scheduler fires the slot instead."""
        due = kwargs.get("_defer_until")
        self._cron_due_ms = min(self._cron_due_ms, due.timestamp() * 1000 if due else 0)
        try:
            return await super().enqueue_job(*args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", error=type(error).__name__)
            return None


def is_untrusted(error: BaseException | None) -> bool:
    """Whether a connection failed because the server's certificate is not trusted."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def connect(url: str, tls_verify: bool | Path = True) -> WorkerRedis:
    """A client that connects on first use.

    ``tls_verify`` is whether the certificate of a ``rediss://`` server is verified, or the file with the certificates
    of the authorities that are trusted. The connection string's own options come first.

    A connection that was idle is probed before its next command, and replaced if it does not respond within
    ``socket_timeout``. The command itself is not repeated.
    """
    given = RedisURL.read(url)
    tls = {"ssl_cert_reqs": "required" if tls_verify else "none"} if given.is_tls else {}
    if given.is_tls and isinstance(tls_verify, Path):
        tls["ssl_ca_certs"] = str(tls_verify)
    pool: ConnectionPool = ConnectionPool.from_url(
        given.url,
        **tls,
        socket_connect_timeout=_CONNECT_TIMEOUT,
        socket_timeout=_RESPONSE_TIMEOUT,
        health_check_interval=_PROBED_AFTER,
        retry=Retry(NoBackoff(), 1),
    )
    if not issubclass(pool.connection_class, UnixDomainSocketConnection):
        pool.connection_kwargs |= {"socket_keepalive": True, "socket_keepalive_options": dict(keepalive.OPTIONS)}
    return WorkerRedis(pool, job_serializer=encode, job_deserializer=decode)
