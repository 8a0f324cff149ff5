"""What became of a payment, in words for people: Portuguese first, English second."""

from datetime import datetime
from typing import Protocol

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.application_decision import Action


class DescribedPayment(Protocol):
    """The part of a recorded payment that its sentence is made of."""

    @property
    def event(self) -> str: ...
    @property
    def status(self) -> str | None: ...
    @property
    def action(self) -> Action: ...
    @property
    def code(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def plan_before(self) -> str | None: ...
    @property
    def plan_after(self) -> str | None: ...
    @property
    def cycle(self) -> int | None: ...
    @property
    def period_end(self) -> datetime | None: ...
    @property
    def due_at(self) -> datetime | None: ...


def sentence(told: DescribedPayment, says: Formatter) -> str:
    """One sentence about one delivery, such as ``Assinatura ativa, ciclo 2: plano FREE → PRO (assinatura ativa).``"""
    # Guru's events are named by a word and a status; the application's bear one in their name too: payment.approved.
    subject, _, happened = told.event.partition(".")
    about = says.of(_WORDS[subject]) if subject in _WORDS else subject
    known = ((status, _STATUSES.get(status)) for status in (happened, told.status) if status)
    statuses = [says.of(text) if text else status for status, text in known]
    cycle = f", {says.of(_WORDS['cycle'])} {told.cycle}" if told.cycle else ""
    said = f"{about} {', '.join(dict.fromkeys(statuses))}".strip() + cycle
    return f"{said}: {_effect(told, says)}."


def why(code: str) -> Text | None:
    """A decision's code in words; ``None`` where it is not known. A code of Guru's API begins with ``guru_``."""
    return _CODES.get("guru" if code.startswith("guru_") else code)


def _effect(told: DescribedPayment, says: Formatter) -> str:
    words = {name: says.of(text) for name, text in _WORDS.items()}
    match told.action:
        case Action.ACTIVATED | Action.DEACTIVATED:
            effect = f"{words['plan']} {told.plan_before} → {told.plan_after}"
        case Action.RENEWED:
            effect = f"{words['plan']} {told.plan_after} {words['renewed']}"
        case Action.UNCHANGED:
            effect = f"{words['plan']} {words['stays']} {told.plan_after}"
        case _:
            effect = words[told.action]
    known = why(told.code or "")
    reason = says.of(known) if known else told.reason if told.action in _REASONED else ""
    effect += f" ({reason})" if reason else ""
    if told.due_at:
        return effect + f", {words['until']} {says.moment(told.due_at)}"
    if told.action is Action.RENEWED and told.period_end:
        return effect + f", {words['paid_until']} {says.moment(told.period_end)}"
    return effect


_REASONED = {Action.REJECTED, Action.UNMATCHED, Action.UNVERIFIED, Action.IGNORED}

_WORDS = {
    "transaction": Text("Pagamento", "Payment"),
    "payment": Text("Pagamento", "Payment"),
    "subscription": Text("Assinatura", "Subscription"),
    "webhook_deactivation": Text("Webhook", "Webhook"),
    "time": Text("Prazo encerrado", "Time is up"),
    "unknown": Text("Corpo não reconhecido", "Body not understood"),
    "cycle": Text("ciclo", "cycle"),
    "plan": Text("plano", "plan"),
    "stays": Text("continua", "stays"),
    "renewed": Text("renovado", "renewed"),
    "until": Text("até", "until"),
    "paid_until": Text("pago até", "paid until"),
    "duplicate": Text("repetido, sem efeito", "said before, no effect"),
    "outdated": Text("nada de novo", "nothing new"),
    "rejected": Text("recusado", "rejected"),
    "unmatched": Text("sem agência conhecida", "no agency known"),
    "unverified": Text("à espera da confirmação da Guru", "waits for Guru's confirmation"),
    "ignored": Text("guardado, sem efeito", "kept, no effect"),
    "assigned": Text("atribuído à mão", "assigned by hand"),
}

_STATUSES = {
    "paid": Text("pago", "paid"),
    "approved": Text("aprovado", "approved"),
    "completed": Text("concluído", "completed"),
    "refunded": Text("reembolsado", "refunded"),
    "chargeback": Text("contestado (chargeback)", "charged back"),
    "dispute": Text("em disputa", "disputed"),
    "canceled": Text("cancelado(a)", "canceled"),
    "expired": Text("expirado(a)", "expired"),
    "waiting_payment": Text("à espera do pagamento", "waiting for payment"),
    "rejected": Text("recusado", "rejected"),
    "active": Text("ativa", "active"),
    "inactive": Text("inativa", "inactive"),
    "pastdue": Text("atrasada", "past due"),
    "started": Text("iniciado(a)", "started"),
    "trial": Text("em período de teste", "in its trial"),
    "deactivated": Text("desativado pela Guru", "switched off by Guru"),
}

_CODES = {
    "unknown_agency": Text("a agência informada não existe", "there is no such agency"),
    "unknown_product": Text("o produto não está em PLAN_PRODUCTS", "PLAN_PRODUCTS has no such product"),
    "unmatched": Text("não se sabe de que agência é", "nobody knows whose it is"),
    "not_confirmed": Text("a Guru não confirma este pagamento", "Guru does not confirm this payment"),
    "guru": Text("a Guru não pôde ser consultada", "Guru could not be asked"),
    "paid": Text("pagamento aprovado", "paid"),
    "active": Text("assinatura ativa", "subscription active"),
    "trial": Text("período de teste", "trial"),
    "trial_ended": Text("o período de teste acabou sem pagamento", "the trial ended without a payment"),
    "ends_with_cycle": Text("cancelada para o fim do ciclo", "ends with its cycle"),
    "cycle_ended": Text("o ciclo cancelado acabou", "the cancelled cycle is over"),
    "pastdue_grace": Text("pagamento atrasado, em tolerância", "past due, within its grace"),
    "pastdue": Text("pagamento atrasado além da tolerância", "past due beyond its grace"),
    "earlier_payment": Text("um pagamento anterior ainda vale", "an earlier payment still counts"),
    "refunded": Text("reembolso", "refund"),
    "chargeback": Text("chargeback", "chargeback"),
    "dispute": Text("disputa", "dispute"),
    "canceled": Text("cancelamento", "cancellation"),
    "expired": Text("expiração", "expiry"),
    "inactive": Text("assinatura inativa", "subscription inactive"),
    "started": Text("ainda sem pagamento", "not paid yet"),
    "not_paid": Text("ainda sem pagamento", "not paid yet"),
    "older_than_application": Text("a aplicação disse algo mais novo", "the application said something newer"),
}
