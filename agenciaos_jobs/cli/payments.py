"""The commands payments unmatched, list, assign and history."""

from collections.abc import Sequence

import click
from rich.table import Table

from agenciaos_jobs.cli.common import Change, CommandError, formatter, print_table, with_runtime
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.explanation import Explanation, explain
from agenciaos_jobs.payments.moving import move
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments as stored
from agenciaos_jobs.payments.store import purchases
from agenciaos_jobs.payments.store.payments import PaymentRecord
from agenciaos_jobs.payments.words import money, sentence
from agenciaos_jobs.wiring import Runtime


@click.group()
def payments() -> None:
    """Pagamentos: sem agência, atribuir, histórico, explicação / Payments: unmatched, assign, history, explain."""


@payments.command("unmatched")
def list_unmatched() -> None:
    """Pagamentos sem agência identificada / Payments with no matching agency.

    Atribua um deles a uma agência com / Assign one to an agency with:

    agenciaos-jobs payments assign EVENT AGENCY
    """

    async def fetch(runtime: Runtime) -> list[PaymentRecord]:
        return await stored.unmatched(runtime.database, runtime.clock.now())

    _show(with_runtime(fetch), t("nenhum pagamento", "no payments"))


@payments.command("list")
@click.option("--action", type=click.Choice([action.value for action in Action]), help="Só estes / Only these.")
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True)
def list_newest(action: str | None, limit: int) -> None:
    """As entregas mais novas e o efeito de cada uma / The newest deliveries and their effects."""

    async def fetch(runtime: Runtime) -> list[PaymentRecord]:
        return await stored.newest(runtime.database, action=Action(action) if action else None, limit=limit)

    _show(with_runtime(fetch), t("nenhuma entrega", "no deliveries"))


@payments.command("assign")
@click.argument("event_id", metavar="EVENT", type=click.IntRange(1, 2**63 - 1))
@click.argument("agency_id", metavar="AGENCY")
def assign(event_id: int, agency_id: str) -> None:
    """Atribui um pagamento, aplica-o e associa o cliente à agência / Assigns a payment and applies it."""

    async def act(runtime: Runtime) -> list[str]:
        return await runtime.assignments.assign(event_id, agency_id)

    change = Change[list[str]]("payments/assign", [str(event_id)], agency_id, lambda run_ids: [" ".join(run_ids)])
    for run_id in with_runtime(act, change):
        click.echo(run_id)


@payments.command("history")
@click.argument("agency_id", metavar="AGENCY")
def history(agency_id: str) -> None:
    """Histórico do plano de uma agência, evento por evento / The history of an agency's plan, event by event."""

    async def fetch(runtime: Runtime) -> list[PaymentRecord]:
        return await stored.history(runtime.database, agency_id)

    found = with_runtime(fetch)
    if not found:
        raise CommandError(t(f"nenhum pagamento da agência {agency_id!r}", f"no payments of agency {agency_id!r}"))
    fmt = formatter()
    for record in found:
        click.echo(f"{fmt.moment_to_the_second(record.occurred_at)}  {sentence(record, fmt)}")


@payments.command("explain")
@click.argument("agency_id", metavar="AGENCY")
def explain_plan(agency_id: str) -> None:
    """Por que a agência tem o plano, o que o mudaria e quando muda sozinho / Why an agency has its plan."""

    async def fetch(runtime: Runtime) -> Explanation | None:
        uses = runtime.resources[Payments]
        async with runtime.database.connection() as connection:
            account = await purchases.account(connection, agency_id)
            terms = await current_terms(connection, uses)
        return explain(account, runtime.clock.now(), terms, formatter()) if account else None

    explanation = with_runtime(fetch)
    if explanation is None:
        raise CommandError(f"there is no agency {agency_id!r}")
    for line in explanation.lines:
        click.echo(line)


@payments.command("plan")
@click.argument("event_id", metavar="EVENT", type=click.IntRange(1, 2**63 - 1))
@click.argument("plan", metavar="PLAN")
def give_plan(event_id: int, plan: str) -> None:
    """Dá um plano ao produto de um pagamento recusado / Gives the product of a rejected payment a plan."""

    async def act(runtime: Runtime) -> list[str]:
        return await runtime.assignments.give_plan(event_id, plan.upper())

    change = Change[list[str]]("payments/product", [str(event_id)], plan.upper(), lambda run_ids: [" ".join(run_ids)])
    for run_id in with_runtime(act, change):
        click.echo(run_id)


@payments.command("move")
@click.argument("purchase_id", metavar="PURCHASE")
@click.argument("agency_id", metavar="AGENCY")
def move_purchase(purchase_id: str, agency_id: str) -> None:
    """Passa uma compra a outra agência / Moves a purchase to another agency.

    As duas agências ficam com o plano que suas compras dão. / Both agencies get the plan that their purchases give.
    """

    async def act(runtime: Runtime) -> dict[str, str]:
        return await move(runtime.database, runtime.clock, runtime.resources[Payments], purchase_id, agency_id)

    for name, plan in with_runtime(act, Change("payments/move", [purchase_id], agency_id)).items():
        click.echo(f"{name}: {plan}")


def _show(records: Sequence[PaymentRecord], nothing: str) -> None:
    table, fmt = Table(box=None), formatter()
    event, when, agency = t("Evento", "Event"), t("Quando", "When"), t("Agência", "Agency")
    for heading in (event, when, agency, t("Contato", "Contact"), t("Valor", "Amount")):
        table.add_column(heading, no_wrap=True)
    table.add_column(t("O que houve", "What happened"))
    for record in records:
        moment = fmt.moment(record.occurred_at)
        amount = "" if record.amount is None else money(record, fmt)
        table.add_row(str(record.id), moment, record.agency_id, record.email, amount, sentence(record, fmt))
    print_table(table, nothing)
