"""``agenciaos-jobs demo``: sends the three requests of AgênciaOS's README to the real service and shows the results."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table

from agenciaos_jobs.ai_content import payload as ai_payload
from agenciaos_jobs.dev import embedded, seed, stack
from agenciaos_jobs.dev.stack import Stack, StackError
from agenciaos_jobs.foundation import agencies, database, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.terminal import language, t
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.payments.jobs import process_payment_webhook
from agenciaos_jobs.reports.store import monthly_reports
from agenciaos_jobs.reports.store.monthly_reports import Report
from agenciaos_jobs.settings import Settings

AGENCY = "agency-123"
TIMEOUT = timedelta(seconds=120)

REQUESTS: dict[str, dict[str, Any]] = {
    "ai-content": ai_payload.EXAMPLE,
    "payment-webhook": process_payment_webhook.EXAMPLE,
    "monthly-report": {},
}


def demo(settings: Settings, console: Console) -> None:
    """Runs the demo and prints the results; raises :class:`StackError` with the reason if anything fails."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agenciaos-demo-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with stack.terminable(), stack.backing(directory, settings, _step(console)) as environment:
            asyncio.run(_prepare(environment["DATABASE_URL"], console))
            environment |= {
                "TRIGGER_SECRET_KEY": stack.secret_key(directory, settings),
                "DASHBOARD_PASSWORD": stack.dashboard_password(directory, settings),
                "LOG_FORMAT": "json",
            }
            log_path = directory / "service.log"
            with (
                log_path.open("wb") as log,
                _explained(log_path),
                stack.service(environment, embedded.free_port(), log) as service,
            ):
                console.print(f"[green]✔[/] {t('servidor e worker', 'server and worker')} {service.url}")
                report = asyncio.run(_send_all(service, console))
    console.print(f"\n[bold green]{t('Tudo certo', 'All well')}[/] ({time.monotonic() - began:.1f} s)")
    console.print(f"{t('Painel', 'Dashboard')}: [bold]agenciaos-jobs dev[/]")
    shown = t("Relatório da Agência Aurora", "Report of Agência Aurora")
    console.print(f"{shown}: [bold]{report}[/]", soft_wrap=True, highlight=False)


def _step(console: Console) -> stack.Report:
    return lambda text: console.print(f"[green]✔[/] {text}", soft_wrap=True, highlight=False)


@contextmanager
def _explained(log_path: Path) -> Iterator[None]:
    """Adds the end of the service's log to an error."""
    try:
        yield
    except (StackError, embedded.EmbeddedError) as error:
        lines = log_path.read_text("utf-8", "replace").splitlines()[-15:]
        raise StackError(f"{error}\n" + "\n".join(lines)) from error


async def _prepare(url: str, console: Console) -> None:
    pool = await database.connect(url, size=1)
    try:
        async with pool.connection() as connection:
            await _refuse_other_data(connection)
            await seed.create_application_tables(connection)
            now = SystemClock().now()
            applied = await migrate.migrate(connection, now, lambda _: None)
            console.print(f"[green]✔[/] {applied} {t('migrações', 'migrations')}")
            await seed.seed(connection, now)
            seeded = t(
                "três agências com um ano de receitas e despesas", "three agencies with a year of revenue and expenses"
            )
            console.print(f"[green]✔[/] {seeded}", soft_wrap=True)
    finally:
        await pool.close()


async def _refuse_other_data(connection: Connection) -> None:
    """Refuses a database with other agencies: the demo writes agencies of its own."""
    if others := await agencies.count_others(connection, seed.AGENCIES):
        raise StackError(
            t(
                f"DATABASE_URL aponta para um banco com {others} agências: a demonstração precisa de um sem dados",
                f"DATABASE_URL names a database with {others} agencies in it: the demo wants one without data",
            )
        )


async def _send_all(service: Stack, console: Console) -> Path:
    """Sends the requests, shows what came of them, and returns the path of the agency's report as PDF."""
    pool = await database.connect(service.environment["DATABASE_URL"], size=2)
    headers = {"Authorization": f"Bearer {service.key}"}
    try:
        async with aiohttp.ClientSession(service.url, headers=headers) as session:
            before = await agencies.plan(pool, AGENCY)
            ran = {name: await _send(session, service, name, payload, console) for name, payload in REQUESTS.items()}
            report = await _download(session, ran["monthly-report"]["output"]["month"])
        fmt = Formatter(language(), SystemClock().now())
        console.print(_ad(ran["ai-content"], fmt, is_stand_in=service.is_stand_in))
        console.print(_plan(str(before), str(await agencies.plan(pool, AGENCY)), ran["payment-webhook"]))
        month = Month.parse(ran["monthly-report"]["output"]["month"])
        console.print(report_table(month, await monthly_reports.of_month(pool, month), fmt))
        return report
    finally:
        await pool.close()


async def _download(session: aiohttp.ClientSession, month: str) -> Path:
    """Stores the PDF where it outlives the demo."""
    async with session.get(f"/api/reports/{AGENCY}/{month}.pdf") as response:
        if response.status != 200:
            raise StackError(f"GET /api/reports/{AGENCY}/{month}.pdf: {response.status}")
        body = await response.read()
    file = Path(tempfile.mkdtemp(prefix="agenciaos-relatorio-")) / f"agencia-aurora-{month}.pdf"
    file.write_bytes(body)
    return file


async def _send(
    session: aiohttp.ClientSession, service: Stack, name: str, payload: dict[str, Any], console: Console
) -> dict[str, Any]:
    """Triggers a job and polls its run until it ends."""
    async with session.post("/api/trigger", json={"type": name, "payload": payload}) as response:
        answer = await response.json()
        if response.status != 200:
            raise StackError(f"POST /api/trigger {name}: {response.status} {answer.get('error')}")
    run_id, began = answer["jobId"], time.monotonic()
    with console.status(f"{name} {run_id} …") as status:
        while time.monotonic() - began < TIMEOUT.total_seconds():
            service.check()
            async with session.get(f"/api/v3/runs/{run_id}") as response:
                run: dict[str, Any] = await response.json()
            status.update(f"{name} {run_id} {run['status']}")
            if run["isCompleted"]:
                break
            await asyncio.sleep(0.05)
    if not run["isSuccess"]:
        raise StackError(f"{name} {run_id}: {run['status']} {run.get('error', {}).get('message', '')}")
    console.print(f"[green]✔[/] {name} [dim]{run_id}[/] {time.monotonic() - began:.2f} s")
    return run


def _ad(run: dict[str, Any], fmt: Formatter, *, is_stand_in: bool) -> Panel:
    data, usage = run["output"]["data"], run["output"]["usage"]
    is_priced = usage["costUsd"] is not None
    cost = fmt.dollars(Decimal(usage["costUsd"]), 6) if is_priced else fmt.text("custo desconhecido", "unknown cost")
    if is_stand_in:
        cost += fmt.text(" (simulado, nada foi cobrado)", " (simulated, nothing was billed)")
    lines = [
        f"[bold]{headline}[/]\n{text}\n"
        for headline, text in zip(data["headlines"], data["primaryTexts"], strict=False)
    ]
    foot = f"[dim]{usage['model']} · {usage['inputTokens']} + {usage['outputTokens']} tokens · {cost}[/]"
    return Panel(
        Group(*lines, f"[reverse] {data['callToAction']} [/]\n", foot),
        title=fmt.text("Anúncio: META_ADS_COPY", "Ad: META_ADS_COPY"),
        width=100,
    )


def _plan(before: str, after: str, run: dict[str, Any]) -> Panel:
    text = f"{AGENCY}: [red]{before}[/] → [bold green]{after}[/]\n[dim]{run['output']['reason']}[/]"
    return Panel(text, title=t("Plano da agência", "The agency's plan"), width=100)


def report_table(month: Month, rows: list[Report], fmt: Formatter) -> Table:
    """A month's reports as a table."""
    table = Table(title=fmt.text(f"Relatório de {month}", f"Report of {month}"))
    table.add_column(fmt.text("Agência", "Agency"))
    for heading in (
        fmt.text("Receita", "Revenue"),
        fmt.text("Despesas", "Expenses"),
        fmt.text("Lucro", "Profit"),
        fmt.text("Margem", "Margin"),
        fmt.text("Receita × mês anterior", "Revenue vs. the month before"),
        fmt.text("Recorrente", "Recurring"),
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.agency_name or row.agency_id,
            *(fmt.reais(value) for value in (row.revenue, row.expenses, row.profit)),
            *(fmt.percent(value) for value in (row.margin, row.revenue_change, row.recurring_share)),
        )
    return table
