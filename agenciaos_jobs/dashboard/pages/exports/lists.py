"""Runs, payments and error groups as files, with the filters of their pages."""

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from agenciaos_jobs.dashboard.labels import ACTIONS, STATUSES
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages import errors as errors_page
from agenciaos_jobs.dashboard.pages import payments as payments_page
from agenciaos_jobs.dashboard.pages.exports.stream import ROWS, Column, send
from agenciaos_jobs.dashboard.pages.runs import read_filter
from agenciaos_jobs.dashboard.rendering import formatter
from agenciaos_jobs.dashboard.store import payments, runs
from agenciaos_jobs.dashboard.store.payments import PaymentRow
from agenciaos_jobs.dashboard.store.runs import RunRow
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.engine.store.errors import Trend
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, LONG_READS
from agenciaos_jobs.payments.words import sentence

_AGENCY, _AGENCY_ID = Text("Agência", "Agency"), Text("Id da agência", "Agency id")
_TASK, _STATUS, _SOURCE = Text("Tarefa", "Task"), Text("Situação", "Status"), Text("Origem", "Source")


async def export_runs(request: web.Request) -> web.StreamResponse:
    return await send(request, Text("execucoes", "runs"), _run_columns(formatter(request)), _runs(request))


async def export_payments(request: web.Request) -> web.StreamResponse:
    columns = _payment_columns(formatter(request))
    return await send(request, Text("pagamentos", "payments"), columns, _payments(request))


async def export_errors(request: web.Request) -> web.StreamResponse:
    return await send(request, Text("erros", "errors"), _ERROR_COLUMNS, _errors(request))


async def _runs(request: web.Request) -> AsyncIterator[Sequence[RunRow]]:
    wanted, before = read_filter(request.query, request.app[CLOCK].now()), None
    while True:
        found = await runs.listing(request.app[LONG_READS], wanted, ROWS, before=before)
        yield found.rows
        if not found.has_older:
            return
        before = found.rows[-1].id


async def _payments(request: web.Request) -> AsyncIterator[Sequence[PaymentRow]]:
    wanted, before = payments_page.read_filter(request.query), None
    while True:
        found = await payments.page(request.app[LONG_READS], **wanted, before_id=before, limit=ROWS)
        yield found
        if len(found) < ROWS:
            return
        before = found[-1].record.id


async def _errors(request: web.Request) -> AsyncIterator[Sequence[Trend]]:
    wanted, after = errors_page.read_filter(request.query, request.app[CLOCK].now()), None
    while True:
        found = await errors.trends(request.app[LONG_READS], **wanted, after=after, limit=ROWS)
        yield found
        if len(found) < ROWS:
            return
        after = found[-1].group.place


def _run_columns(fmt: Formatter) -> list[Column[RunRow]]:
    return [
        Column("id", Text("Execução", "Run"), lambda run: run.id),
        Column("task", _TASK, lambda run: run.task),
        Column("status", _STATUS, lambda run: run.status.value),
        Column("statusText", Text("Situação por extenso", "Status in words"), lambda run: fmt.of(STATUSES[run.status])),
        Column("agencyId", _AGENCY_ID, lambda run: run.agency_id),
        Column("agency", _AGENCY, lambda run: run.agency),
        Column("source", _SOURCE, lambda run: run.source),
        Column("tags", Text("Etiquetas", "Tags"), lambda run: run.tags),
        Column("attempt", Text("Tentativa", "Attempt"), lambda run: run.attempt),
        Column("createdAt", Text("Criada em", "Created at"), lambda run: run.created_at),
        Column("dueAt", Text("Prevista para", "Due at"), lambda run: run.due_at),
        Column("startedAt", Text("Iniciada em", "Started at"), lambda run: run.started_at),
        Column("finishedAt", Text("Encerrada em", "Finished at"), lambda run: run.finished_at),
        Column("error", Text("Erro", "Error"), lambda run: run.error),
    ]


def _payment_columns(fmt: Formatter) -> list[Column[PaymentRow]]:
    return [
        Column("id", Text("Entrega", "Delivery"), lambda row: row.record.id),
        Column("occurredAt", Text("Quando", "Occurred at"), lambda row: row.record.occurred_at),
        Column("recordedAt", Text("Recebido em", "Recorded at"), lambda row: row.record.recorded_at),
        Column("source", _SOURCE, lambda row: row.record.source),
        Column("event", Text("Evento", "Event"), lambda row: row.record.event),
        Column("status", _STATUS, lambda row: row.record.status),
        Column("action", Text("O que fez", "What it did"), lambda row: fmt.of(ACTIONS[row.record.action][0])),
        Column("text", Text("O que houve", "What happened"), lambda row: sentence(row.record, fmt)),
        Column("agencyId", _AGENCY_ID, lambda row: row.record.agency_id),
        Column("agency", _AGENCY, lambda row: row.agency),
        Column("email", Text("E-mail", "E-mail"), lambda row: row.record.email),
        Column("amount", Text("Valor", "Amount"), lambda row: row.record.amount),
        Column("currency", Text("Moeda", "Currency"), _currency),
        Column("productId", Text("Produto", "Product"), lambda row: row.record.product_id),
        Column("planBefore", Text("Plano antes", "Plan before"), lambda row: row.record.plan_before),
        Column("planAfter", Text("Plano depois", "Plan after"), lambda row: row.record.plan_after),
        Column("runId", Text("Execução", "Run"), lambda row: row.record.run_id),
    ]


def _currency(row: PaymentRow) -> str | None:
    return None if row.record.amount is None else row.record.currency or "BRL"


_ERROR_COLUMNS: list[Column[Trend]] = [
    Column("id", Text("Grupo", "Group"), lambda trend: trend.group.fingerprint),
    Column("task", _TASK, lambda trend: trend.group.task),
    Column("type", Text("Tipo", "Type"), lambda trend: trend.group.type),
    Column("code", Text("Código", "Code"), lambda trend: trend.group.code),
    Column("message", Text("Mensagem", "Message"), lambda trend: trend.group.message),
    Column("failures", Text("Falhas no período", "Failures in the period"), lambda trend: sum(trend.counts)),
    Column("total", Text("Total", "Total"), lambda trend: trend.group.count),
    Column("agencies", Text("Agências no período", "Agencies in the period"), lambda trend: trend.agencies),
    Column("firstSeenAt", Text("Primeira vez", "First seen"), lambda trend: trend.group.first_seen_at),
    Column("lastSeenAt", Text("Última vez", "Last seen"), lambda trend: trend.group.last_seen_at),
    Column("resolvedAt", Text("Resolvido em", "Resolved at"), lambda trend: trend.group.resolved_at),
    Column("lastRunId", Text("Última execução", "Last run"), lambda trend: trend.group.last_run_id),
]

PAGES = [
    Page("GET", "/runs.{kind:csv|json}", export_runs),
    Page("GET", "/payments.{kind:csv|json}", export_payments),
    Page("GET", "/errors.{kind:csv|json}", export_errors),
]
