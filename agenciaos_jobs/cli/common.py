"""What the commands share: settings, connections, output and expected errors."""

import asyncio
import getpass
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Generic, TypeVar

import asyncpg
import click
from rich.console import Console
from rich.table import Table

from agenciaos_jobs.ai_content.agents import AgentError
from agenciaos_jobs.alerts.rules import AlertRulesError
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.terminal import language
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.tracing import NotInstalledError
from agenciaos_jobs.people.audit import Audit
from agenciaos_jobs.people.store.audit import Act
from agenciaos_jobs.registry import JobsModuleError
from agenciaos_jobs.settings import Settings, SettingsError
from agenciaos_jobs.wiring import Runtime, open_runtime

T = TypeVar("T")


class CommandError(Exception):
    """A command failed; the message is the reason."""


def reasons() -> tuple[type[BaseException], ...]:
    """The expected errors of a command, whose messages explain them."""
    return (
        CommandError,
        SettingsError,
        JobsModuleError,
        AgentError,
        AlertRulesError,
        SchemaError,
        DomainError,
        NotInstalledError,
        OSError,
        asyncpg.PostgresError,
    )


def reason(error: BaseException) -> str:
    """The error's message, for people."""
    if isinstance(error, DomainError):
        text = error.text.in_language(language())
        return f"{text}: {error.about}" if error.about else text
    return str(error)


def load_settings(*required: str) -> Settings:
    """The settings; where the environment names no database, those of the running ``dev`` stack."""
    settings = Settings.load()
    if settings.database_url is None and (running := _running_stack()):
        settings = Settings.model_validate(settings.model_dump(exclude_unset=True) | running)
    settings.require(*required)
    return settings


def has_embedded_extra() -> bool:
    """Whether the extra ``embedded`` is installed, which every import from ``agenciaos_jobs.dev`` needs."""
    return find_spec("platformdirs") is not None


def _running_stack() -> dict[str, str]:
    if not has_embedded_extra():
        return {}
    from agenciaos_jobs.dev import stack  # noqa: PLC0415 - an extra brings what it imports

    return stack.running()


def print_table(table: Table, nothing: str) -> None:
    """Prints a table, or ``nothing`` if it has no rows."""
    if table.row_count:
        console().print(table)
    else:
        click.echo(nothing)


def console() -> Console:
    """Standard output, wide enough for a table where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 160)


def formatter() -> Formatter:
    """The formatter of the command's output: in the terminal's language, as of now."""
    return Formatter(language(), SystemClock().now())


def quiet_logs(settings: Settings) -> None:
    """Keeps logs off the command's output, except warnings and errors."""
    logs.configure("console", "warning", Redactor(settings.secrets))


def operator() -> str:
    """The user of the operating system who runs the command; the id where it has no name, as in containers."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"uid {os.getuid()}"


@dataclass(frozen=True)
class Change(Generic[T]):
    """What a command changes, for the audit: ``runs/cancel`` and the ids that it is given.

    ``led_to`` gives the ids of what was made, for each subject, from the command's result.
    """

    action: str
    subjects: Sequence[str] = ("",)
    detail: str = ""
    led_to: Callable[[T], Sequence[str]] = lambda _: ()


def with_runtime(act: Callable[[Runtime], Awaitable[T]], change: Change[T] | None = None) -> T:
    """Runs ``act`` with open connections. A ``change`` is recorded in the audit before it is made."""
    settings = load_settings("DATABASE_URL", "REDIS_URL")
    quiet_logs(settings)

    async def open_and_act() -> T:
        async with open_runtime(settings, kind="command") as runtime:
            if change is None:
                return await act(runtime)
            audit, host = Audit(runtime.database, runtime.clock), socket.gethostname()
            entry = Act(operator(), "cli", host, change.action, change.subjects, change.detail)
            async with audit.recorded(entry) as recorded:
                result = await act(runtime)
                recorded.led_to = change.led_to(result)
            return result

    return asyncio.run(open_and_act())
