"""The commands trigger and runs."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from agenciaos_jobs import registry
from agenciaos_jobs.cli.common import Change, CommandError, console, formatter, with_runtime
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import Status, TriggerResult
from agenciaos_jobs.engine.store import history, run_logs
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime


class TaskName(click.ParamType[str]):
    """A job by any of its names, including those of ``JOBS_MODULES``."""

    name = "task"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        registry.add_modules(Settings.load().jobs_modules)
        if value not in registry.JOBS and value not in registry.JOBS_BY_NAME:
            known = ", ".join(sorted({*registry.JOBS, *registry.JOBS_BY_NAME}))
            self.fail(f"{value!r} não é um job / is not a job; {known}", param, ctx)
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

    \b
    agenciaos-jobs trigger monthly-report --payload '{"month": "2026-10"}' --wait
    agenciaos-jobs trigger ai-content --payload @pedido.json
    """
    if task not in registry.JOBS_BY_NAME:
        raise CommandError(f"{task}: só o próprio serviço o inicia / only the service itself starts it")
    job, given = registry.JOBS_BY_NAME[task], _read_payload(payload)
    json_input.require_storable(idempotency_key, "key")
    try:
        new = new_run(job, given, source="cli", idempotency_key=idempotency_key)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc'])) or 'payload'}: {item['msg']}" for item in error.errors()]
        raise CommandError("payload: " + "; ".join(problems)) from None

    async def send(runtime: Runtime) -> StoredRun | TriggerResult:
        accepted = await runtime.intake.trigger(new)
        return await _wait(runtime, accepted.run_id) if wait else accepted

    change = Change[StoredRun | TriggerResult](
        "trigger", [job.task], led_to=lambda it: [it.run_id if isinstance(it, TriggerResult) else it.id]
    )
    result = with_runtime(send, change)
    if isinstance(result, TriggerResult):
        click.echo(result.run_id)
        return
    click.echo(_json(result.output if result.status is Status.COMPLETED else result.error))
    if result.status is not Status.COMPLETED:
        sys.exit(1)


async def _wait(runtime: Runtime, run_id: str) -> StoredRun:
    with Console(stderr=True).status(run_id) as status:
        while True:
            run = await history.get(runtime.database, run_id)
            assert run is not None
            if run.status.is_final:
                break
            status.update(f"{run_id} {run.status} {run.attempt}/{run.max_attempts}")
            await asyncio.sleep(0.2)
    click.echo(f"{run_id} {run.status}", err=True)
    return run


@click.group()
def runs() -> None:
    """Execuções: lista, detalhes, cancelar, repetir / Runs: list, show, cancel, replay."""


@runs.command("list")
@click.option("--task", type=TaskName(), help="Só deste job / Only this job.")
@click.option(
    "--status",
    type=click.Choice([status.value for status in Status]),
    help="Só nesta situação / Only with this status.",
)
@click.option("--agency", help="Só desta agência / Only this agency.")
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Uma execução por linha, em JSON / One run per line, as JSON.")
def list_runs(task: str | None, status: str | None, agency: str | None, limit: int, *, as_json: bool) -> None:
    """As execuções mais novas / The newest runs."""

    async def fetch(runtime: Runtime) -> list[StoredRun]:
        return await history.newest(runtime.database, task=task, status=status, agency_id=agency, limit=limit)

    found = with_runtime(fetch)
    if as_json:
        for run in found:
            click.echo(_json(vars(run), indent=None))
        return
    table, fmt = Table(box=None), formatter()
    for heading in ("ID", "Job", "Situação", "Agência", "Tentativa", "Criada", "Duração"):
        table.add_column(heading, no_wrap=True)
    for run in found:
        attempts, agency_id = f"{run.attempt}/{run.max_attempts}", run.agency_id or ""
        created = fmt.moment_to_the_second(run.created_at)
        table.add_row(run.id, run.task, run.status, agency_id, attempts, created, _duration(run, fmt))
    console().print(table)


@runs.command("show")
@click.argument("run_id", metavar="ID")
def show_run(run_id: str) -> None:
    """Uma execução: dados, tentativas e log / A run: its data, attempts and log."""

    async def fetch(runtime: Runtime) -> dict[str, Any]:
        run = await history.get(runtime.database, run_id)
        if run is None:
            raise UnknownRunError(run_id)
        attempts = await history.attempts(runtime.database, run_id)
        lines = await run_logs.of_run(runtime.database, run_id)
        return {**vars(run), "attempts": [vars(item) for item in attempts], "log": [vars(line) for line in lines]}

    click.echo(_json(with_runtime(fetch)))


@runs.command("cancel")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def cancel_runs(run_ids: tuple[str, ...]) -> None:
    """Cancela execuções na fila ou em andamento (param em até 2 s) / Cancels queued or executing runs."""

    async def cancel(runtime: Runtime) -> list[tuple[str, bool]]:
        return [(run_id, await runtime.control.cancel(run_id)) for run_id in run_ids]

    for run_id, is_new in with_runtime(cancel, Change("runs/cancel", run_ids)):
        click.echo(f"{run_id} {'CANCELED' if is_new else 'já terminada / had ended'}")


@runs.command("replay")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def replay_runs(run_ids: tuple[str, ...]) -> None:
    """Executa de novo, com o mesmo payload / Runs again, with the same payload."""

    async def replay(runtime: Runtime) -> list[tuple[str, str]]:
        return [(run_id, (await runtime.control.replay(run_id)).run_id) for run_id in run_ids]

    change = Change[list[tuple[str, str]]]("runs/replay", run_ids, led_to=lambda pairs: [new for _, new in pairs])
    for run_id, again in with_runtime(replay, change):
        click.echo(f"{run_id} → {again}")


def _read_payload(text: str) -> dict[str, Any]:
    try:
        payload = json_input.parse(Path(text[1:]).read_bytes() if text.startswith("@") else text, "payload")
    except (OSError, ValueError) as error:
        raise CommandError(f"--payload: {error}") from None
    if not isinstance(payload, dict):
        raise CommandError("--payload: expected a JSON object")
    return payload


def _json(value: Any, indent: int | None = 2) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _duration(run: StoredRun, fmt: Formatter) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return fmt.precise(run.finished_at - run.started_at)
