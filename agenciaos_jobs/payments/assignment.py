"""Manual assignment of unmatched payments to agencies."""

import structlog
from aiohttp import web

from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.jobs import process_payment_webhook
from agenciaos_jobs.payments.jobs.process_provider_webhook import job_of
from agenciaos_jobs.payments.ownership import customer_names
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.provider import read
from agenciaos_jobs.payments.providers import provider_of
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord, PaymentRecord

log = structlog.get_logger("agenciaos_jobs.payments")


class UnknownPaymentError(DomainError):
    """There is no payment event with this number."""

    status = 404
    text = Text("Pagamento não encontrado", "Payment not found")


class UnknownAgencyError(DomainError):
    """There is no agency with this id."""

    status = 422
    text = Text("Não existe agência com este id", "There is no agency with this id")


class NotUnmatchedError(DomainError):
    """The event already belongs to an agency, or it is not a payment."""

    status = 409
    text = Text(
        "Este evento já tem agência, ou não é um pagamento",
        "This event already has an agency, or it is not a payment",
    )


class NotUnlistedError(DomainError):
    """The event was not rejected for its product, or names none."""

    status = 409
    text = Text(
        "Este evento não foi recusado por causa do produto", "This event was not rejected because of its product"
    )


class UnknownPlanError(DomainError):
    """``PLANS`` has no such plan."""

    status = 422
    text = Text("PLANS não tem este plano", "PLANS has no such plan")


class Assignments:
    """Assigns unmatched payments to agencies and unlisted products to plans, and replays the events.

    ``plans`` are the plans that a product may be given.
    """

    def __init__(self, database: Database, intake: Intake, clock: Clock, plans: tuple[str, ...]) -> None:
        self._database, self._intake, self._clock, self._plans = database, intake, clock, plans

    @property
    def plans(self) -> tuple[str, ...]:
        return self._plans

    async def assign(self, event_id: int, agency_id: str) -> list[str]:
        """Assigns the customer of an unmatched event to the agency, and replays all that customer's unmatched events.

        Returns the ids of the runs started. Raises :class:`UnknownPaymentError`, :class:`UnknownAgencyError` or
        :class:`NotUnmatchedError`. Idempotent.
        """
        record = await payments.get(self._database, event_id)
        if record is None:
            raise UnknownPaymentError(event_id)
        provider = provider_of(record.source)
        event = read(provider, record.payload, record.recorded_at) if provider else None
        if record.action is not Action.UNMATCHED or event is None or isinstance(event, NotUnderstood):
            raise NotUnmatchedError(f"{event_id} is {record.action}")
        if not await agencies.exists(self._database, agency_id):
            raise UnknownAgencyError(agency_id)
        await self._associate(record, event, agency_id)
        started = [await self._replay(one) for one in await self._unmatched_events(record)]
        log.info("payment_assigned", payment=event_id, agency_id=agency_id, runs=len(started))
        return started

    async def _associate(self, record: PaymentRecord, event: PaymentEvent, agency_id: str) -> None:
        """Associates the purchase with the agency, and the customer too unless several agencies share the address."""
        now, email = self._clock.now(), event.customer.email
        is_shared = email is not None and len(await agencies.of_email(self._database, email)) > 1
        names = [name for name in customer_names(event) if not is_shared or name.startswith(("contract:", "uuid:"))]
        async with self._database.transaction() as connection:
            await purchases.lock(connection, event.purchase_id)
            await purchases.associate(connection, names, agency_id, now)
            assigned = NewRecord(
                run_id=record.run_id,
                source=record.source,
                event=record.event,
                occurred_at=now,
                recorded_at=now,
                action=Action.ASSIGNED,
                reason=f"event {record.id} was assigned by hand",
                payload={"event": record.id},
                customer_id=record.customer_id,
                contract_id=record.contract_id,
                agency_id=agency_id,
                code="assigned",
            )
            await payments.add(connection, assigned)

    async def _unmatched_events(self, record: PaymentRecord) -> list[PaymentRecord]:
        """The customer's unmatched events, oldest first."""
        unmatched = await payments.unmatched(self._database, self._clock.now())
        return [
            one
            for one in unmatched
            if one.contract_id == record.contract_id or one.customer_id == record.customer_id or one.id == record.id
        ]

    async def give_plan(self, event_id: int, plan: str) -> list[str]:
        """Gives the unlisted product of a rejected event a plan, and replays all rejected events of that product.

        Returns the ids of the runs started. Raises :class:`UnknownPaymentError`, :class:`UnknownPlanError` or
        :class:`NotUnlistedError`. Idempotent.
        """
        record = await payments.get(self._database, event_id)
        if record is None:
            raise UnknownPaymentError(event_id)
        if record.code != "unknown_product" or record.product_id is None:
            raise NotUnlistedError(f"{event_id} is {record.action}")
        if plan not in self._plans:
            raise UnknownPlanError(plan)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await purchases.give_plan(connection, record.product_id, plan, now)
        rejected = await payments.waiting(self._database, Action.REJECTED, now)
        started = [
            await self._replay(one)
            for one in rejected
            if one.code == "unknown_product" and one.product_id == record.product_id
        ]
        log.info("product_given_plan", product=record.product_id, plan=plan, runs=len(started))
        return started

    async def _replay(self, record: PaymentRecord) -> str:
        provider = provider_of(record.source)
        if provider:
            new = new_run(job_of(provider), record.payload, source="assigned", replay_of=record.run_id)
        else:  # without a date of its own it would count as newer than what has happened since
            payload = {**record.payload, "occurredAt": record.occurred_at.isoformat()}
            new = new_run(process_payment_webhook.JOB, payload, source="assigned", replay_of=record.run_id)
        return (await self._intake.trigger(new)).run_id


ASSIGNMENTS = web.AppKey("assignments", Assignments)
