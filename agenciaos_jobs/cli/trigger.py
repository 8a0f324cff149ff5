"""The command trigger, and how a command follows a run to its end."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console

from agenciaos_jobs import registry
from agenciaos_jobs.cli.common import Change, CommandError, with_runtime
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store import history
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.i18n.terminal import language, t
from agenciaos_jobs.http.problems import invalid
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime

_POLL_INTERVAL = timedelta(seconds=0.2)
_INTERRUPTED = 130
"""The exit code of a program that SIGINT ended, as shells have it."""


class TaskName(click.ParamType[str]):
    """A job by any of its names, including those of ``JOBS_MODULES``."""

    name = "task"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        registry.add_modules(Settings.load().jobs_modules)
        if value not in registry.JOBS and value not in registry.JOBS_BY_NAME:
            known = ", ".join(sorted({*registry.JOBS, *registry.JOBS_BY_NAME}))
            self.fail(
                t(f"{value!r} não é um job; há: {known}", f"{value!r} is not a job; there are: {known}"), param, ctx
            )
        return value


@click.command()
@click.argument("task", metavar="TASK", type=TaskName())
@click.option("--payload", default="{}", metavar="JSON|@FILE", help="O payload, ou @arquivo / The payload, or @file.")
@click.option("--key", "idempotency_key", help="Chave de idempotência / Idempotency key.")
@click.option(
    "--wait", is_flag=True, help="Espera o fim e mostra o resultado / Waits until it ends and shows the output."
)
def trigger(task: str, payload: str, idempotency_key: str | None, *, wait: bool) -> None:
    """Inicia um job / Starts a job.

    Ctrl-C durante --wait só deixa de esperar; a execução continua. / Ctrl-C during --wait only stops waiting; the run
    goes on.

    \b
    agenciaos-jobs trigger monthly-report --payload '{"month": "2026-10"}' --wait
    agenciaos-jobs trigger ai-content --payload @pedido.json
    """
    if task not in registry.JOBS_BY_NAME:
        raise CommandError(t(f"{task}: só o próprio serviço o inicia", f"{task}: only the service itself starts it"))
    job, given = registry.JOBS_BY_NAME[task], _read_payload(payload)
    json_input.require_storable(idempotency_key, "key")
    try:
        new = new_run(job, given, source="cli", idempotency_key=idempotency_key)
    except ValidationError as error:
        refused = [(".".join(map(str, it.place)) or "payload", it.message(language())) for it in invalid(error).fields]
        raise CommandError("payload: " + "; ".join(f"{name}: {message}" for name, message in refused)) from None

    async def send(runtime: Runtime) -> str:
        return (await runtime.intake.trigger(new)).run_id

    run_id = with_runtime(send, Change[str]("trigger", [job.task], led_to=lambda run_id: [run_id]))
    if wait:
        wait_and_show(run_id)
    else:
        click.echo(run_id)


def wait_and_show(run_id: str) -> None:
    """Waits until a run ends, and prints its output or error. Ends the program with 1 unless the run succeeded."""

    async def wait(runtime: Runtime) -> StoredRun:
        with Console(stderr=True).status(run_id) as status:
            return await followed(runtime, run_id, lambda run: status.update(f"{run_id} {progress(run)}"))

    def announced() -> StoredRun:
        click.echo(run_id, err=True)
        return with_runtime(wait)

    run = interruptible(run_id, announced)
    click.echo(str(run.status), err=True)
    click.echo(as_json(run.output if run.status is Status.COMPLETED else without_stack(run.error)))
    if run.status is not Status.COMPLETED:
        sys.exit(1)


async def followed(runtime: Runtime, run_id: str, report: Callable[[StoredRun], object]) -> StoredRun:
    """The run, once it has ended; ``report`` is called with it until then."""
    while True:
        run = await history.get(runtime.database, run_id)
        if run is None:
            raise UnknownRunError(run_id)
        report(run)
        if run.status.is_final:
            return run
        await asyncio.sleep(_POLL_INTERVAL.total_seconds())


def interruptible(run_id: str, act: Callable[[], StoredRun]) -> StoredRun:
    """Has Ctrl-C end the program with the run's id, and with a note that the run goes on."""
    try:
        return act()
    except KeyboardInterrupt:
        note = t(
            f"{run_id} continua; acompanhe com: agenciaos-jobs runs watch {run_id}",
            f"{run_id} goes on; follow it with: agenciaos-jobs runs watch {run_id}",
        )
        click.echo(f"\n{note}", err=True)
        sys.exit(_INTERRUPTED)


def progress(run: StoredRun) -> str:
    """A run's status and attempt, such as ``EXECUTING 1/3``."""
    return f"{run.status} {run.attempt}/{run.max_attempts}"


def without_stack(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored error without its stack trace."""
    return {name: value for name, value in error.items() if name != "stack"} if error else error


def as_json(value: Any, indent: int | None = 2) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _read_payload(text: str) -> dict[str, Any]:
    try:
        payload = json_input.parse(Path(text[1:]).read_bytes() if text.startswith("@") else text, "payload")
    except (OSError, ValueError) as error:
        raise CommandError(f"--payload: {error}") from None
    if not isinstance(payload, dict):
        raise CommandError(t("--payload: deve ser um objeto JSON", "--payload: must be a JSON object"))
    return payload
