"""A run as text for a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click
import orjson

from agenciaos_jobs.cli.trigger import as_json
from agenciaos_jobs.dashboard.labels import SOURCES, STATUSES
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store.history import Attempt, StoredRun
from agenciaos_jobs.engine.store.run_logs import LogLine
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.terminal import t


@dataclass(frozen=True)
class RunDetails:
    """A run with its ended attempts, its log lines, and its cost in US dollars."""

    run: StoredRun
    attempts: Sequence[Attempt]
    log: Sequence[LogLine]
    cost: Decimal


def print_details(found: RunDetails, fmt: Formatter, *, shows_stack: bool) -> None:
    """Prints everything known of a run; stack traces only on request."""
    run = found.run
    click.echo(f"{run.id}  {run.task}")
    for name, value in _facts(found, fmt):
        click.echo(f"  {name:<{_NAME_WIDTH}}{value}")
    for attempt in found.attempts:
        took = fmt.precise(attempt.finished_at - attempt.started_at)
        failed = f"  {error_line(attempt.error)}" if attempt.error else ""
        click.echo(f"  {attempt.number}. {fmt.clock(attempt.started_at)}  {attempt.status}  {took}{failed}")
        if shows_stack and attempt.error and attempt.error.get("stack"):
            click.echo(attempt.error["stack"])
    for heading, value in ((t("Payload", "Payload"), run.payload), (t("Resultado", "Output"), run.output)):
        if value is not None:
            click.echo(f"\n{heading}\n{as_json(value)}")
    if found.log:
        click.echo("\nLog")
    for line in found.log:
        click.echo(log_line(line, fmt))


_NAME_WIDTH = 16


def _facts(found: RunDetails, fmt: Formatter) -> Iterator[tuple[str, Any]]:
    run = found.run
    yield t("Situação", "Status"), f"{run.status} ({fmt.of(STATUSES[run.status])})"
    yield t("Criada", "Created"), f"{fmt.moment_to_the_second(run.created_at)} ({fmt.ago(run.created_at)})"
    if run.finished_at and run.started_at:
        yield t("Duração", "Duration"), fmt.precise(run.finished_at - run.started_at)
    yield t("Tentativas", "Attempts"), f"{run.attempt}/{run.max_attempts}"
    yield t("Origem", "Source"), fmt.of(SOURCES[run.source]) if run.source in SOURCES else run.source
    if run.agency_id:
        yield t("Agência", "Agency"), run.agency_id
    if run.tags:
        yield t("Etiquetas", "Tags"), ", ".join(run.tags)
    if run.replay_of:
        yield t("Repetição de", "Replay of"), run.replay_of
    if found.cost:
        yield t("Custo de IA", "AI cost"), fmt.dollars(found.cost)
    if run.error:
        yield t("Erro", "Error"), error_line(run.error)


def error_line(error: Json) -> str:
    """An error's code and message."""
    return f"{error.get('code') or error.get('type')}: {error.get('message')}"


def log_line(line: LogLine, fmt: Formatter, *, as_json: bool = False) -> str:
    """A log line as text, or as JSON in the spelling of the API."""
    if as_json:
        place = {"runId": line.run_id, "attempt": line.attempt, "loggedAt": line.logged_at, "level": line.level}
        return orjson.dumps({**place, "message": line.message, "fields": line.fields}, option=orjson.OPT_UTC_Z).decode()
    fields = "".join(f" {name}={value}" for name, value in line.fields.items())
    return f"  {fmt.clock(line.logged_at)}  {line.level:<8}{line.message}{fields}"
