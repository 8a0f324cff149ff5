"""The whole service on this machine: starts whatever the settings do not name, and stops what it started."""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import platformdirs

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.settings import Settings

Report = Callable[[str], None]

_STOP_TIMEOUT = 3.5


class StackError(Exception):
    """The stack cannot run, or a process of it ended; the message names it and the cause."""


@dataclass
class Stack:
    """A running stack: its URL, its settings as environment variables, and its processes."""

    url: str
    environment: dict[str, str]
    is_stand_in: bool
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.environment["TRIGGER_SECRET_KEY"]

    def check(self) -> None:
        """Raises :class:`StackError` if a process has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise StackError(f"{name} ended with code {process.returncode}")


def home() -> Path:
    """The data directory of ``dev``, one per user."""
    return platformdirs.user_data_path("agenciaos-jobs", appauthor=False)


@contextmanager
def backing(directory: Path, settings: Settings, report: Report) -> Iterator[dict[str, str]]:
    """Postgres, Redis and a model; starts those that ``settings`` does not name. Yields their variables."""
    with ExitStack() as started:
        environment: dict[str, str] = {}
        if settings.database_url is None:
            environment["DATABASE_URL"] = started.enter_context(embedded.postgres(directory / "postgres"))
            report("Postgres 18")
        else:
            environment["DATABASE_URL"] = settings.database_url.get_secret_value()
        if settings.redis_url is None:
            environment["REDIS_URL"], what = started.enter_context(embedded.redis())
            report(what)
        else:
            environment["REDIS_URL"] = settings.redis_url.get_secret_value()
        if settings.openai_api_key is None:
            port = embedded.free_port()
            started.enter_context(
                _process("model", [sys.executable, "-m", "agenciaos_jobs.dev.model", str(port)], port)
            )
            environment |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "stand-in"}
            report(
                t(
                    "OPENAI_API_KEY não definida: um servidor local faz o papel da OpenAI",
                    "OPENAI_API_KEY not set: a local stand-in answers for OpenAI",
                )
            )
        yield environment


@contextmanager
def service(environment: dict[str, str], port: int, output: IO[Any] | None) -> Iterator[Stack]:
    """Server and worker with these variables; their logs go to ``output``, or else to this process's own."""
    given = {"SHUTDOWN_DELAY": "0", **os.environ, **environment, "HOST": "127.0.0.1", "PORT": str(port)}
    commands = {
        "server": [sys.executable, "-m", "agenciaos_jobs", "serve"],
        "worker": [sys.executable, "-m", "arq", "agenciaos_jobs.worker.WorkerSettings"],
    }
    stack = Stack(f"http://127.0.0.1:{port}", environment, environment.get("OPENAI_API_KEY") == "stand-in")
    try:
        for name, command in commands.items():
            stack.processes[name] = subprocess.Popen(
                command, env=given, stdout=output, stderr=output, start_new_session=True
            )
        embedded.wait_for_port(stack.processes["server"], port, "server")
        yield stack
    finally:
        with _uninterrupted():
            _stop_all(list(stack.processes.values()))


def choose_port(wanted: int) -> int:
    """The wanted port if it is free, else any other."""
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return embedded.free_port()
        return int(probe.getsockname()[1])


def secret_key(directory: Path, settings: Settings) -> str:
    """The configured key, or one that is generated once and stored with the data."""
    if settings.trigger_secret_key:
        return settings.trigger_secret_key.get_secret_value()
    return _kept(directory / "trigger-secret-key", f"tr_dev_{secrets.token_urlsafe(24)}")


def dashboard_password(directory: Path, settings: Settings) -> str:
    """The configured password, or one that is generated once and stored with the data."""
    if settings.dashboard_password:
        return settings.dashboard_password.get_secret_value()
    return _kept(directory / "dashboard-password", secrets.token_urlsafe(9))


def _kept(path: Path, made: str) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(made)
    return path.read_text()


@contextmanager
def announced(environment: dict[str, str]) -> Iterator[None]:
    """Lets commands in other terminals find this stack while it runs."""
    path = home() / "running.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"pid": os.getpid(), "settings": {k.lower(): v for k, v in environment.items()}}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running() -> dict[str, str]:
    """The settings of the running ``dev`` stack; empty if there is none."""
    try:
        known = json.loads((home() / "running.json").read_text())
        os.kill(known["pid"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    settings: dict[str, str] = known["settings"]
    return settings


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end the program as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with _handled(interrupt, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _uninterrupted() -> Iterator[None]:
    with _handled(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _handled(handler: Any, *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _process(name: str, command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, start_new_session=True)
    try:
        embedded.wait_for_port(process, port, name)
        yield
    finally:
        embedded.stop(process)


def _stop_all(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        embedded.stop(process, _STOP_TIMEOUT)
