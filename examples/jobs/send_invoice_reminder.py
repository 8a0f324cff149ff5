"""Invoice reminders: a complete example of an operator's own jobs.

``send-invoice-reminder`` writes one reminder into the table ``invoice_reminders``, from which the application's mailer
sends. ``find-due-invoices`` runs every morning and triggers one reminder for each invoice that is due in three days.
An invoice is a row of the application's table ``revenues``. ``invoice_reminders.sql`` creates the table.

    JOBS_MODULES=send_invoice_reminder agenciaos-jobs dev
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from agenciaos_jobs import (
    Backoff,
    CommitWith,
    GiveUp,
    Hooks,
    Job,
    Limits,
    RetryLater,
    RunContext,
    Schedule,
    Text,
)

INVOICE = """
SELECT revenue.description, revenue.amount, revenue.date, client.id AS client_id, client.name, client.email
FROM revenues AS revenue LEFT JOIN clients AS client ON client.id = revenue."clientId"
WHERE revenue.id = $1 AND revenue."agencyId" = $2
"""

REMIND = """
INSERT INTO invoice_reminders (invoice_id, run_id, email, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (invoice_id) DO NOTHING RETURNING invoice_id
"""

DUE = 'SELECT id, "agencyId" AS agency_id FROM revenues WHERE date::date = $1 AND "clientId" IS NOT NULL ORDER BY id'


class Reminder(BaseModel):
    """The invoice that a client is reminded of."""

    agency_id: str = Field(alias="agencyId", min_length=1)
    invoice_id: str = Field(alias="invoiceId", min_length=1)


class Search(BaseModel):
    """Which invoices are looked for. A schedule passes an empty payload, so every field has a default."""

    days_ahead: int = Field(default=3, alias="daysAhead", ge=0, le=30)


async def send(context: RunContext, payload: Reminder) -> CommitWith:
    """Writes the reminder, once per invoice, in the transaction that completes the run."""
    invoice = await context.database.fetchrow(INVOICE, payload.invoice_id, payload.agency_id)
    if invoice is None:  # the application may trigger before its own transaction has committed
        raise RetryLater("invoice_missing", "there is no such invoice yet", after=timedelta(seconds=2))
    email = invoice["email"]
    if not email:
        raise GiveUp("email_missing", "the client has no e-mail address", details={"clientId": invoice["client_id"]})
    due = f"{invoice['date']:%d/%m/%Y}"
    body = f"Olá, {invoice['name']}! {invoice['description']}: {_reais(invoice['amount'])}, vence em {due}."

    async def write(connection: Any) -> dict[str, Any]:
        written = await connection.fetchval(REMIND, payload.invoice_id, context.run.id, email, body)
        return {"invoiceId": payload.invoice_id, "isNew": written is not None}

    context.log.info("reminder_ready", invoice_id=payload.invoice_id)
    return CommitWith(write)


async def find(context: RunContext, payload: Search) -> CommitWith:
    """Triggers one reminder for each invoice that is due; both commit together, or neither does."""
    today = context.clock.now().astimezone(ZoneInfo("America/Sao_Paulo")).date()
    due_on = today + timedelta(days=payload.days_ahead)

    async def trigger(connection: Any) -> dict[str, Any]:
        items = [
            (
                {"agencyId": row["agency_id"], "invoiceId": row["id"]},
                {"idempotency_key": f"reminder:{row['id']}", "tags": ("reminders",)},
            )
            for row in await connection.fetch(DUE, due_on)
        ]
        runs = await context.trigger_all_in(connection, SEND.task, items)
        return {"dueOn": due_on.isoformat(), "triggered": [run.run_id for run in runs if not run.is_cached]}

    return CommitWith(trigger)


def _reais(amount: Decimal) -> str:
    """An amount as Brazilians write it: R$ 1.234,50."""
    return f"R$ {amount:,.2f}".translate(str.maketrans(",.", ".,"))


SEND = Job(
    "send-invoice-reminder",
    Reminder,
    send,
    summary=Text("Lembra o cliente de uma fatura", "Reminds a client of an invoice"),
    accepted=Text("Lembrete iniciado", "Reminder started"),
    names=("invoice-reminder",),
    limits=Limits(attempts=5, max_duration=30, backoff=Backoff(minimum=10, maximum=600), per_agency=True),
    hooks=Hooks(agency=lambda payload: payload.agency_id),
)

FIND = Job(
    "find-due-invoices",
    Search,
    find,
    summary=Text("Procura as faturas que vencem em três dias", "Finds the invoices that are due in three days"),
    schedule=Schedule("0 9 * * *", "America/Sao_Paulo"),
)

JOBS = [SEND, FIND]
