"""The commands queues list, pause, resume, limit and reset."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from rich.table import Table

from agenciaos_jobs import registry
from agenciaos_jobs.cli.common import Change, formatter, operator, print_table, with_runtime
from agenciaos_jobs.engine.queue_admin import QueueAdmin
from agenciaos_jobs.engine.store.queues import QueueState
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.wiring import Runtime

T = TypeVar("T")

_NAME = click.argument("name", metavar="QUEUE")


@click.group()
def queues() -> None:
    """Filas: lista, pausa, limites / Queues: list, pause, limits.

    A fila de uma tarefa chama-se task/TAREFA; as outras, como o trigger as chamou. / A task's own queue is task/TASK;
    others are named as their triggers named them.
    """


@queues.command("list")
def list_queues() -> None:
    """As filas e o que as impede / The queues and what holds them up."""
    _show(_with_admin(lambda admin: admin.all()))


@queues.command("pause")
@_NAME
def pause(name: str) -> None:
    """Nada da fila começa até retomá-la / Nothing of the queue starts until it is resumed."""
    _show([_with_admin(lambda admin: admin.pause(name, operator()), Change("queues/pause", [name]))])


@queues.command("resume")
@_NAME
def resume(name: str) -> None:
    """A fila volta a andar / The queue's runs start again."""
    _show([_with_admin(lambda admin: admin.resume(name), Change("queues/resume", [name]))])


@queues.command("limit")
@_NAME
@click.argument("limit", type=click.IntRange(0, 100_000))
def limit(name: str, limit: int) -> None:
    """Substitui o limite de simultaneidade / Overrides the concurrency limit."""
    change = Change[QueueState]("queues/limit", [name], str(limit))
    _show([_with_admin(lambda admin: admin.override_limit(name, limit, operator()), change)])


@queues.command("reset")
@_NAME
def reset(name: str) -> None:
    """Volta ao limite de cada execução / Goes back to the limits that runs came with."""
    _show([_with_admin(lambda admin: admin.reset_limit(name), Change("queues/reset", [name]))])


def _with_admin(work: Callable[[QueueAdmin], Awaitable[T]], change: Change[T] | None = None) -> T:
    async def act(runtime: Runtime) -> T:
        registry.add_modules(runtime.settings.jobs_modules)
        return await work(QueueAdmin(runtime.database, runtime.outbox, runtime.clock, registry.JOBS))

    return with_runtime(act, change)


def _show(found: list[QueueState]) -> None:
    table, fmt = Table(box=None), formatter()
    counts = (t("Executando", "Executing"), t("Aguardando", "Waiting"), t("Limite", "Limit"))
    for heading in (t("Fila", "Queue"), *counts, t("Pausada", "Paused")):
        table.add_column(heading, no_wrap=True)
    for queue in found:
        limit = "" if queue.limit is None else str(queue.limit) + ("" if queue.override is None else " *")
        paused = f"{fmt.moment(queue.paused_at)} {queue.paused_by or ''}".rstrip() if queue.paused_at else ""
        table.add_row(queue.name, str(queue.running), str(queue.queued), limit, paused)
    print_table(table, t("nenhuma fila", "no queues"))
    if any(queue.override is not None for queue in found):
        click.echo(t("* substituído", "* overridden"))
