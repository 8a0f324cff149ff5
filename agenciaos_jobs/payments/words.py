"""What became of a payment, in words for people: Portuguese first, English second."""

from datetime import datetime
from typing import Literal, Protocol

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.payments.policy.application_decision import Action

Language = Literal["pt", "en"]


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


def sentence(told: DescribedPayment, language: Language = "pt") -> str:
    """One sentence about one delivery, such as ``Assinatura ativa, ciclo 2: plano FREE → PRO (assinatura ativa).``"""
    words = _WORDS[language]
    # Guru's events are named by a word and a status; the application's bear one in their name too: payment.approved.
    subject, _, happened = told.event.partition(".")
    about = words.get(subject, subject)
    statuses = [_STATUSES.get(status, {}).get(language, status) for status in (happened, told.status) if status]
    cycle = f", {words['cycle']} {told.cycle}" if told.cycle else ""
    said = f"{about} {', '.join(dict.fromkeys(statuses))}".strip() + cycle
    return f"{said}: {_effect(told, language)}."


def why(code: str, language: Language = "pt") -> str | None:
    """A decision's code in words; ``None`` where it is not known. A code of Guru's API begins with ``guru_``."""
    return _CODES.get("guru" if code.startswith("guru_") else code, {}).get(language)


def _effect(told: DescribedPayment, language: Language) -> str:
    words = _WORDS[language]
    match told.action:
        case Action.ACTIVATED | Action.DEACTIVATED:
            effect = f"{words['plan']} {told.plan_before} → {told.plan_after}"
        case Action.RENEWED:
            effect = f"{words['plan']} {told.plan_after} {words['renewed']}"
        case Action.UNCHANGED:
            effect = f"{words['plan']} {words['stays']} {told.plan_after}"
        case _:
            effect = words[told.action]
    reason = why(told.code or "", language) or (told.reason if told.action in _REASONED else "")
    effect += f" ({reason})" if reason else ""
    if told.due_at:
        return effect + f", {words['until']} {_local(told.due_at, language)}"
    if told.action is Action.RENEWED and told.period_end:
        return effect + f", {words['paid_until']} {_local(told.period_end, language)}"
    return effect


def _local(moment: datetime, language: Language) -> str:
    return moment.astimezone(SAO_PAULO).strftime("%d/%m/%Y %H:%M" if language == "pt" else "%Y-%m-%d %H:%M")


_REASONED = {Action.REJECTED, Action.UNMATCHED, Action.UNVERIFIED, Action.IGNORED}

_WORDS: dict[Language, dict[str, str]] = {
    "pt": {
        "transaction": "Pagamento",
        "payment": "Pagamento",
        "subscription": "Assinatura",
        "webhook_deactivation": "Webhook",
        "time": "Prazo encerrado",
        "unknown": "Corpo não reconhecido",
        "cycle": "ciclo",
        "plan": "plano",
        "stays": "continua",
        "renewed": "renovado",
        "until": "até",
        "paid_until": "pago até",
        "duplicate": "repetido, sem efeito",
        "outdated": "nada de novo",
        "rejected": "recusado",
        "unmatched": "sem agência conhecida",
        "unverified": "à espera da confirmação da Guru",
        "ignored": "guardado, sem efeito",
        "assigned": "atribuído à mão",
    },
    "en": {
        "transaction": "Payment",
        "payment": "Payment",
        "subscription": "Subscription",
        "webhook_deactivation": "Webhook",
        "time": "Time is up",
        "unknown": "Body not understood",
        "cycle": "cycle",
        "plan": "plan",
        "stays": "stays",
        "renewed": "renewed",
        "until": "until",
        "paid_until": "paid until",
        "duplicate": "said before, no effect",
        "outdated": "nothing new",
        "rejected": "rejected",
        "unmatched": "no agency known",
        "unverified": "waits for Guru's confirmation",
        "ignored": "kept, no effect",
        "assigned": "assigned by hand",
    },
}

_STATUSES: dict[str, dict[Language, str]] = {
    "paid": {"pt": "pago", "en": "paid"},
    "approved": {"pt": "aprovado", "en": "approved"},
    "completed": {"pt": "concluído", "en": "completed"},
    "refunded": {"pt": "reembolsado", "en": "refunded"},
    "chargeback": {"pt": "contestado (chargeback)", "en": "charged back"},
    "dispute": {"pt": "em disputa", "en": "disputed"},
    "canceled": {"pt": "cancelado(a)", "en": "canceled"},
    "expired": {"pt": "expirado(a)", "en": "expired"},
    "waiting_payment": {"pt": "à espera do pagamento", "en": "waiting for payment"},
    "rejected": {"pt": "recusado", "en": "rejected"},
    "active": {"pt": "ativa", "en": "active"},
    "inactive": {"pt": "inativa", "en": "inactive"},
    "pastdue": {"pt": "atrasada", "en": "past due"},
    "started": {"pt": "iniciado(a)", "en": "started"},
    "trial": {"pt": "em período de teste", "en": "in its trial"},
    "deactivated": {"pt": "desativado pela Guru", "en": "switched off by Guru"},
}

_CODES: dict[str, dict[Language, str]] = {
    "unknown_agency": {"pt": "a agência informada não existe", "en": "there is no such agency"},
    "unknown_product": {"pt": "o produto não está em PLAN_PRODUCTS", "en": "PLAN_PRODUCTS has no such product"},
    "unmatched": {"pt": "não se sabe de que agência é", "en": "nobody knows whose it is"},
    "not_confirmed": {"pt": "a Guru não confirma este pagamento", "en": "Guru does not confirm this payment"},
    "guru": {"pt": "a Guru não pôde ser consultada", "en": "Guru could not be asked"},
    "paid": {"pt": "pagamento aprovado", "en": "paid"},
    "active": {"pt": "assinatura ativa", "en": "subscription active"},
    "trial": {"pt": "período de teste", "en": "trial"},
    "trial_ended": {"pt": "o período de teste acabou sem pagamento", "en": "the trial ended without a payment"},
    "ends_with_cycle": {"pt": "cancelada para o fim do ciclo", "en": "ends with its cycle"},
    "cycle_ended": {"pt": "o ciclo cancelado acabou", "en": "the cancelled cycle is over"},
    "pastdue_grace": {"pt": "pagamento atrasado, em tolerância", "en": "past due, within its grace"},
    "pastdue": {"pt": "pagamento atrasado além da tolerância", "en": "past due beyond its grace"},
    "earlier_payment": {"pt": "um pagamento anterior ainda vale", "en": "an earlier payment still counts"},
    "refunded": {"pt": "reembolso", "en": "refund"},
    "chargeback": {"pt": "chargeback", "en": "chargeback"},
    "dispute": {"pt": "disputa", "en": "dispute"},
    "canceled": {"pt": "cancelamento", "en": "cancellation"},
    "expired": {"pt": "expiração", "en": "expiry"},
    "inactive": {"pt": "assinatura inativa", "en": "subscription inactive"},
    "started": {"pt": "ainda sem pagamento", "en": "not paid yet"},
    "not_paid": {"pt": "ainda sem pagamento", "en": "not paid yet"},
    "older_than_application": {"pt": "a aplicação disse algo mais novo", "en": "the application said something newer"},
}
