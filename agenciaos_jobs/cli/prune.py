"""The command prune: applies retention, or shows what it would drop."""

import click
from rich.table import Table

from agenciaos_jobs.cli.common import Change, console, formatter, with_runtime
from agenciaos_jobs.engine.model.retention_policy import Fate, MonthOfRuns
from agenciaos_jobs.engine.worker.pruner import Pruner
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.wiring import Runtime


@click.command()
@click.option("--dry-run", is_flag=True, help="Só mostra o que seria apagado / Only shows what would be dropped.")
def prune(*, dry_run: bool) -> None:
    """Apaga execuções antigas, mês a mês / Drops old runs, month by month.

    Os workers fazem isso uma vez por dia, com RETAIN_COMPLETED_DAYS e RETAIN_FAILED_DAYS. Um mês do qual algo deve
    ficar é reduzido ao que fica. / Workers do this once a day, with RETAIN_COMPLETED_DAYS and RETAIN_FAILED_DAYS. A
    month of which something must stay is reduced to that.
    """

    async def act(runtime: Runtime) -> list[MonthOfRuns]:
        pruner = Pruner(runtime.database, runtime.clock, runtime.retention)
        if dry_run:
            return await pruner.months()
        await pruner.forget()
        return await pruner.prune()

    months = with_runtime(act, None if dry_run else Change("prune"))
    if not any(month.fate is not Fate.KEPT for month in months):
        click.echo(t("nada a apagar", "nothing to drop"))
    if months:
        console().print(_table(months))


def _table(months: list[MonthOfRuns]) -> Table:
    table = Table(t("mês", "month"), t("execuções", "runs"), t("expiradas", "expired"), t("tamanho", "size"))
    table.add_column(t("destino", "fate"))
    fmt = formatter()
    for month in months:
        size = fmt.size(month.bytes)
        table.add_row(month.month.replace("_", "-"), str(month.held), str(month.expired), size, month.fate)
    return table
