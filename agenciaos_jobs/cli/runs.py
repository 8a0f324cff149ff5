"""The command runs: list, show, watch, logs, cancel and replay."""

import asyncio
import sys
from datetime import datetime

import click
from rich.table import Table

from agenciaos_jobs.ai_content.store import generations
from agenciaos_jobs.cli.common import Change, console, formatter, print_table, with_runtime
from agenciaos_jobs.cli.run_text import RunDetails, error_line, log_line, print_details
from agenciaos_jobs.cli.trigger import TaskName, followed, interruptible, progress
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store import history, run_logs
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.duration import parse_duration
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.http.moments import parse_moment
from agenciaos_jobs.trigger_dev.models.runs import SdkListedRun, as_sdk_run, summary
from agenciaos_jobs.trigger_dev.store import run_list
from agenciaos_jobs.trigger_dev.store.run_list import Worked
from agenciaos_jobs.wiring import Runtime

_LOG_INTERVAL = 0.5
_WIDE, _WIDER = 100, 140
"""The widths of a terminal, in columns, from which a list shows more of each run."""


class Moment(click.ParamType[datetime]):
    """How long ago, such as 2h or 7d, or a date and time in ISO 8601."""

    name = "moment"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        now = SystemClock().now()
        try:
            return now - parse_duration(value)
        except ValueError:
            pass
        try:
            moment = parse_moment(value)
        except ValueError:
            self.fail(
                t("espera 90s, 2h, 7d ou uma data em ISO 8601", "expected 90s, 2h, 7d or an ISO 8601 date"), param, ctx
            )
        return moment if moment.tzinfo else moment.astimezone()


@click.group()
def runs() -> None:
    """Execuções: lista, detalhes, log, repetir / Runs: list, show, logs, replay."""


_JSON = click.option("--json", "as_lines", is_flag=True, help="JSON, como o da API / JSON, as the API's.")
_RUN_ID = click.argument("run_id", metavar="ID")


@runs.command("list")
@click.option("--task", type=TaskName(), help="Só deste job / Only this job.")
@click.option(
    "--status",
    type=click.Choice([status.value for status in Status], case_sensitive=False),
    help="Só nesta situação / Only with this status.",
)
@click.option("--agency", help="Só desta agência / Only this agency.")
@click.option("--tag", help="Só com esta etiqueta / Only with this tag.")
@click.option("--since", type=Moment(), metavar="2h|DATE", help="Só as criadas desde então / Only those created since.")
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True)
@_JSON
def list_runs(
    task: str | None,
    status: str | None,
    agency: str | None,
    tag: str | None,
    since: datetime | None,
    limit: int,
    *,
    as_lines: bool,
) -> None:
    """As execuções mais novas / The newest runs.

    Com --json, uma por linha. / With --json, one a line.
    """

    async def fetch(runtime: Runtime) -> tuple[list[StoredRun], dict[str, Worked]]:
        found = await history.newest(
            runtime.database, task=task, status=status, agency_id=agency, tag=tag, since=since, limit=limit
        )
        return found, dict(await run_list.worked(runtime.database, [run.id for run in found]))

    found, worked = with_runtime(fetch)
    if as_lines:
        for run in found:
            listed = SdkListedRun(**summary(run, worked[run.id].time, worked[run.id].cost))
            click.echo(listed.model_dump_json(exclude_none=True, by_alias=True))
        return
    print_table(_table(found, formatter(), console().width), t("nenhuma execução", "no runs"))


def _table(found: list[StoredRun], fmt: Formatter, width: int) -> Table:
    """The runs, with as many columns as the terminal has room for; id and status are never cut."""
    table = Table(box=None)
    table.add_column("ID", no_wrap=True, min_width=30)
    table.add_column(t("Situação", "Status"), no_wrap=True, min_width=9)
    table.add_column("Job", no_wrap=True)
    more = [t("Criada", "Created"), t("Tentativa", "Attempt")] if width >= _WIDE else []
    more += [t("Agência", "Agency"), t("Duração", "Duration")] if width >= _WIDER else []
    for heading in more:
        table.add_column(heading, no_wrap=True)
    for run in found:
        created, attempts = fmt.moment_to_the_second(run.created_at), f"{run.attempt}/{run.max_attempts}"
        took = fmt.precise(run.finished_at - run.started_at) if run.finished_at and run.started_at else ""
        row = (run.id, run.status, run.task, created, attempts, run.agency_id or "", took)
        table.add_row(*row[: 3 + len(more)])
    return table


@runs.command("show")
@_RUN_ID
@_JSON
@click.option("--stack", is_flag=True, help="Com a pilha de cada erro / With the stack trace of each error.")
def show_run(run_id: str, *, as_lines: bool, stack: bool) -> None:
    """Uma execução: dados, tentativas e log / A run: its data, attempts and log."""

    async def fetch(runtime: Runtime) -> RunDetails:
        run = await history.get(runtime.database, run_id)
        if run is None:
            raise UnknownRunError(run_id)
        return RunDetails(
            run,
            await history.attempts(runtime.database, run_id),
            await run_logs.of_run(runtime.database, run_id),
            await generations.cost_of(runtime.database, run_id),
        )

    found = with_runtime(fetch)
    if as_lines:
        shown = as_sdk_run(found.run, found.attempts, found.cost, shows_stack=stack)
        click.echo(shown.model_dump_json(exclude_none=True, by_alias=True, indent=2))
    else:
        print_details(found, formatter(), shows_stack=stack)


@runs.command("watch")
@_RUN_ID
def watch_run(run_id: str) -> None:
    """Acompanha uma execução até o fim / Follows a run to its end.

    Código de saída 0 só se ela for concluída. Ctrl-C deixa de acompanhar; a execução continua. / Exit code 0 only if it
    completes. Ctrl-C stops following; the run goes on.
    """
    seen: list[str] = []

    def report(run: StoredRun) -> None:
        if seen[-1:] != [progress(run)]:
            seen.append(progress(run))
            click.echo(f"{formatter().clock(run.updated_at)}  {progress(run)}")

    run = interruptible(run_id, lambda: with_runtime(lambda runtime: followed(runtime, run_id, report)))
    if run.error:
        click.echo(error_line(run.error))
    if run.status is not Status.COMPLETED:
        sys.exit(1)


@runs.command("logs")
@_RUN_ID
@click.option("-f", "--follow", is_flag=True, help="Acompanha até o fim / Follows it to the run's end.")
@_JSON
def show_log(run_id: str, *, follow: bool, as_lines: bool) -> None:
    """O log de uma execução / A run's log."""

    async def show(runtime: Runtime) -> StoredRun:
        shown = 0
        while True:
            run = await history.get(runtime.database, run_id)
            if run is None:
                raise UnknownRunError(run_id)
            lines = await run_logs.of_run(runtime.database, run_id)
            for line in lines[shown:]:
                click.echo(log_line(line, formatter(), as_json=as_lines))
            shown = len(lines)
            if not follow or run.status.is_final:
                if not shown:
                    click.echo(t("nenhuma linha", "no lines"), err=True)
                return run
            await asyncio.sleep(_LOG_INTERVAL)

    interruptible(run_id, lambda: with_runtime(show))


@runs.command("cancel")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def cancel_runs(run_ids: tuple[str, ...]) -> None:
    """Cancela execuções na fila ou em andamento (param em até 2 s) / Cancels queued or executing runs (within 2 s)."""

    async def cancel(runtime: Runtime) -> list[tuple[str, bool]]:
        return [(run_id, await runtime.control.cancel(run_id)) for run_id in run_ids]

    for run_id, is_new in with_runtime(cancel, Change("runs/cancel", run_ids)):
        click.echo(f"{run_id} {'CANCELED' if is_new else t('já tinha terminado', 'had ended')}")


@runs.command("replay")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def replay_runs(run_ids: tuple[str, ...]) -> None:
    """Executa de novo, com o mesmo payload / Runs again, with the same payload."""

    async def replay(runtime: Runtime) -> list[tuple[str, str]]:
        return [(run_id, (await runtime.control.replay(run_id)).run_id) for run_id in run_ids]

    change = Change[list[tuple[str, str]]]("runs/replay", run_ids, led_to=lambda pairs: [new for _, new in pairs])
    for run_id, again in with_runtime(replay, change):
        click.echo(f"{run_id} → {again}")
