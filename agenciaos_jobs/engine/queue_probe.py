"""Whether Redis allows what the queue needs: its scripts, which write and publish, are tried on scratch keys.

A ping is not enough: a full server, a read-only replica, a node of a cluster and a Sentinel all answer it.
"""

import asyncio
import time
from contextlib import suppress

from agenciaos_jobs.engine import queue_scripts
from agenciaos_jobs.engine.arq.wire import CRON, JOB_PREFIX, QUEUE, UNAVAILABLE, Redis, is_untrusted
from agenciaos_jobs.engine.queue import IDLE, WAKE
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text

_SCRATCH = "scratch"
_QUEUE, _IDLE, _MESSAGE = f"{QUEUE}:{_SCRATCH}", f"{IDLE}:{_SCRATCH}", f"{JOB_PREFIX}{_SCRATCH}"
_WAKE = f"{WAKE}:{_SCRATCH}"
_RUN = f'[["{_SCRATCH}", "", "1000", "0"]]'

_TIMEOUT = 3
_MAX_AGE = 5
"""In seconds."""


class UnusableQueueError(DomainError):
    """Redis does not allow what the queue needs. ``marks`` identify the errors of Redis that mean it."""

    status = 503
    marks: tuple[str, ...] = ()


class UntrustedCertificateError(UnusableQueueError):
    """The certificate of Redis is not trusted."""

    text = Text(
        "O certificado TLS do Redis não é confiável: em REDIS_TLS_VERIFY, informe o arquivo da CA, ou 0 (não verifica)",
        "The TLS certificate of Redis is not trusted: set REDIS_TLS_VERIFY to a CA file, or to 0 to skip verification",
    )


class ClusterError(UnusableQueueError):
    """Redis Cluster, which spreads keys over servers. Every script of ours needs its keys on one."""

    text = Text(
        "REDIS_URL leva a um Redis Cluster, que não é compatível: use um Redis sem cluster",
        "REDIS_URL leads to a Redis Cluster, which is not supported: use a Redis without cluster mode",
    )
    marks = ("MOVED", "CROSSSLOT", "CLUSTERDOWN", "MovedError", "ClusterCrossSlotError", "ClusterDownError")


class SentinelError(UnusableQueueError):
    """A Sentinel, which only refers to the primary."""

    text = Text(
        "REDIS_URL leva a um Redis Sentinel, que não é compatível: informe o endereço do Redis primário",
        "REDIS_URL leads to a Redis Sentinel, which is not supported: give the address of the primary",
    )
    marks = ("unknown command",)


class ReplicaError(UnusableQueueError):
    """A replica that takes no writes."""

    text = Text(
        "REDIS_URL leva a uma réplica somente leitura: informe o endereço do Redis primário",
        "REDIS_URL leads to a read-only replica: give the address of the primary",
    )
    marks = ("READONLY", "ReadOnlyError")


class FullError(UnusableQueueError):
    """The memory limit is reached, and nothing may be evicted."""

    text = Text(
        "O Redis está cheio (maxmemory): aumente o limite ou remova o que outros guardam nele",
        "Redis is full (maxmemory): raise the limit, or remove what others store there",
    )
    marks = ("OOM command not allowed", "OutOfMemoryError")


class UnwritableError(UnusableQueueError):
    """Redis refuses writes because its snapshots fail."""

    text = Text(
        "O Redis não grava em disco e por isso recusa escritas (MISCONF): veja o log dele",
        "Redis cannot save to its disk and therefore refuses writes (MISCONF): see its log",
    )
    marks = ("MISCONF",)


class PermissionsError(UnusableQueueError):
    """The user's ACL is too narrow."""

    text = Text(
        "O usuário do Redis não tem as permissões (ACL) que docs/operations.md lista",
        "The Redis user lacks permissions (ACL) that docs/operations.md lists",
    )
    # As Redis 6 words it, and from Redis 7 on.
    marks = ("NoPermissionError", "NOPERM", "The user executing the script can't", "ACL failure in script")


class LoginError(UnusableQueueError):
    """The user or the password is wrong."""

    text = Text("O Redis recusou o usuário ou a senha de REDIS_URL", "Redis refused the user or password of REDIS_URL")
    marks = ("AuthenticationError", "NOAUTH", "WRONGPASS")


_KNOWN = (ClusterError, SentinelError, ReplicaError, FullError, UnwritableError, PermissionsError, LoginError)


async def probe(redis: Redis) -> None:
    """Sends and dequeues on scratch keys, which are empty afterwards.

    Raises a subclass of :class:`UnusableQueueError` that names what is wrong; ``TimeoutError`` or the client's own
    error during an outage.
    """
    try:
        async with asyncio.timeout(_TIMEOUT):
            # Registers as idle, which a full server refuses. It lets a script finish that has begun to write.
            await _dequeue(redis)
            await _send(redis)
            await _dequeue(redis)
            await redis.eval(queue_scripts.TAKE, 2, _QUEUE, _MESSAGE, _SCRATCH)  # type: ignore[misc]
    except UNAVAILABLE as error:
        if is_untrusted(error):
            raise UntrustedCertificateError from error
        described = f"{type(error).__name__} {error}"
        for known in _KNOWN:
            if any(mark in described for mark in known.marks):
                raise known from error
        raise


async def _send(redis: Redis) -> None:
    await redis.eval(queue_scripts.SEND, 3, _QUEUE, _IDLE, _MESSAGE, _WAKE, "1", _RUN)  # type: ignore[misc]


async def _dequeue(redis: Redis) -> None:
    await redis.eval(queue_scripts.DEQUEUE, 2, _QUEUE, _IDLE, "1", "1", CRON, _SCRATCH)  # type: ignore[misc]


async def require_supported(redis: Redis) -> None:
    """Raises what no retry mends: a cluster, a Sentinel, or a certificate that is not trusted. An outage passes."""
    with suppress(ReplicaError, FullError, UnwritableError, PermissionsError, LoginError, *UNAVAILABLE):
        try:
            await probe(redis)
        finally:
            await redis.connection_pool.disconnect()


class CachedProbe:
    """A probe with a result that all callers share for a few seconds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._probing: asyncio.Task[None] | None = None
        self._expires_at = 0.0

    async def result(self) -> None:
        """Raises what :func:`probe` has raised. An outage is not remembered."""
        if self._probing is None or (self._probing.done() and time.monotonic() >= self._expires_at):
            self._probing = asyncio.create_task(self._probe())
            self._probing.add_done_callback(_retrieve)  # its callers may be gone
        await asyncio.shield(self._probing)

    async def _probe(self) -> None:
        self._expires_at = time.monotonic() + _MAX_AGE
        try:
            await probe(self._redis)
        except UNAVAILABLE:
            self._expires_at = 0.0
            raise


def _retrieve(task: "asyncio.Task[None]") -> None:
    """Marks the task's exception as retrieved, or asyncio logs it."""
    if not task.cancelled():
        task.exception()
