"""Payments described for people: Portuguese first, English second."""

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.payments.store.payments import NewRecord


def sentence(record: NewRecord, fmt: Formatter) -> str:
    """One sentence about one delivery, such as ``Assinatura ativa, ciclo 2: plano FREE → PRO (assinatura ativa).``"""
    # Providers' events have a word and a status; the application's may carry a status in their name: payment.approved.
    subject, _, happened = record.event.partition(".")
    about = fmt.of(_WORDS[subject]) if subject in _WORDS else subject
    known = ((status, _status(subject, status)) for status in (happened, record.status) if status)
    statuses = [fmt.of(text) if text else status for status, text in known]
    cycle = f", {fmt.of(_WORDS['cycle'])} {record.cycle}" if record.cycle else ""
    description = f"{about} {', '.join(dict.fromkeys(statuses))}".strip() + cycle
    return f"{description}: {_effect(record, fmt)}."


def _status(subject: str, status: str) -> Text | None:
    """The status in words that agree with its subject: a subscription is feminine in Portuguese, a payment is not."""
    feminine = _FEMININE_STATUSES.get(status) if subject == "subscription" else None
    return feminine or _STATUSES.get(status)


def money(record: NewRecord, fmt: Formatter) -> str:
    """The amount in its currency, such as ``R$ 97,00`` or ``USD 19,90``; empty if there is none."""
    if record.amount is None:
        return ""
    if record.currency in (None, "BRL"):
        return fmt.reais(record.amount)
    return f"{record.currency} {fmt.number(record.amount, 2)}"


def why(code: str) -> Text | None:
    """A decision's code in words; ``None`` for an unknown code. Codes of a provider's API begin with its name."""
    is_of_api = any(code.startswith(f"{provider.name}_") for provider in PROVIDERS)
    return _CODES.get("no_answer" if is_of_api else code)


def _effect(record: NewRecord, fmt: Formatter) -> str:
    words = {name: fmt.of(text) for name, text in _WORDS.items()}
    match record.action:
        case Action.ACTIVATED | Action.DEACTIVATED:
            effect = f"{words['plan']} {record.plan_before} → {record.plan_after}"
        case Action.RENEWED:
            effect = f"{words['plan']} {record.plan_after} {words['renewed']}"
        case Action.UNCHANGED:
            effect = f"{words['plan']} {words['stays']} {record.plan_after}"
        case _:
            effect = words[record.action]
    known = why(record.code or "")
    reason = fmt.of(known) if known else record.reason if record.action in _REASONED else ""
    effect += f" ({reason})" if reason else ""
    if record.due_at:
        return effect + f", {words['until']} {fmt.moment(record.due_at)}"
    if record.action is Action.RENEWED and record.period_end:
        return effect + f", {words['paid_until']} {fmt.moment(record.period_end)}"
    return effect


_REASONED = {Action.REJECTED, Action.UNMATCHED, Action.UNVERIFIED, Action.IGNORED}

_WORDS = {
    "transaction": Text("Pagamento", "Payment"),
    "payment": Text("Pagamento", "Payment"),
    "subscription": Text("Assinatura", "Subscription"),
    "webhook_deactivation": Text("Webhook", "Webhook"),
    "time": Text("Prazo encerrado", "Term ended"),
    "moved": Text("Compra mudada de agência", "Purchase moved to another agency"),
    "unknown": Text("Corpo não reconhecido", "Body not understood"),
    "cycle": Text("ciclo", "cycle"),
    "plan": Text("plano", "plan"),
    "stays": Text("continua", "stays"),
    "renewed": Text("renovado", "renewed"),
    "until": Text("até", "until"),
    "paid_until": Text("pago até", "paid until"),
    "duplicate": Text("repetido, sem efeito", "repeated, no effect"),
    "outdated": Text("nada de novo", "nothing new"),
    "rejected": Text("recusado", "rejected"),
    "unmatched": Text("sem agência conhecida", "no matching agency"),
    "unverified": Text("à espera da confirmação do provedor", "waiting for the provider's confirmation"),
    "ignored": Text("guardado, sem efeito", "stored, no effect"),
    "assigned": Text("atribuído à mão", "assigned by hand"),
}

_STATUSES = {
    "created": Text("criado", "created"),
    "paid": Text("pago", "paid"),
    "approved": Text("aprovado", "approved"),
    "completed": Text("concluído", "completed"),
    "refunded": Text("reembolsado", "refunded"),
    "chargeback": Text("contestado (chargeback)", "charged back"),
    "dispute": Text("em disputa", "disputed"),
    "canceled": Text("cancelado", "canceled"),
    "cancelled": Text("cancelado", "canceled"),
    "expired": Text("expirado", "expired"),
    "waiting_payment": Text("à espera do pagamento", "waiting for payment"),
    "rejected": Text("recusado", "rejected"),
    "failed": Text("não concluído", "failed"),
    "pending": Text("pendente", "pending"),
    "processing": Text("em processamento", "processing"),
    "analysis": Text("em análise", "under review"),
    "abandoned": Text("abandonado", "abandoned"),
    "billet_printed": Text("com boleto emitido", "with its boleto issued"),
    "blocked": Text("bloqueado", "blocked"),
    "charging": Text("em cobrança", "being charged"),
    "delayed": Text("atrasado", "delayed"),
    "in_recovery": Text("em recuperação", "in recovery"),
    "scheduled": Text("agendado", "scheduled"),
    "transferred": Text("transferido", "transferred"),
    "pending_transfer": Text("com transferência pendente", "pending transfer"),
    "active": Text("ativo", "active"),
    "inactive": Text("inativo", "inactive"),
    "pastdue": Text("atrasado", "past due"),
    "started": Text("iniciado", "started"),
    "trial": Text("em período de teste", "in its trial"),
    "deactivated": Text("desativado pelo provedor", "disabled by the provider"),
}

_FEMININE_STATUSES = {
    "created": Text("criada", "created"),
    "paid": Text("paga", "paid"),
    "approved": Text("aprovada", "approved"),
    "refunded": Text("reembolsada", "refunded"),
    "canceled": Text("cancelada", "canceled"),
    "cancelled": Text("cancelada", "canceled"),
    "expired": Text("expirada", "expired"),
    "active": Text("ativa", "active"),
    "inactive": Text("inativa", "inactive"),
    "pastdue": Text("atrasada", "past due"),
    "started": Text("iniciada", "started"),
}

_CODES = {
    "unknown_agency": Text("a agência informada não existe", "there is no such agency"),
    "unknown_product": Text("o produto não está em PLAN_PRODUCTS", "PLAN_PRODUCTS has no such product"),
    "moved": Text("a compra é agora de outra agência", "the purchase now belongs to another agency"),
    "unmatched": Text("não se sabe de qual agência é", "no matching agency was found"),
    "not_confirmed": Text("o provedor não confirma este pagamento", "the provider does not confirm this payment"),
    "no_answer": Text("o provedor não pôde ser consultado", "the provider could not be reached"),
    "unknown_status": Text("situação desconhecida", "unknown status"),
    "unknown_word": Text("palavra desconhecida, nada mudou", "unknown word, nothing was changed"),
    "negative_amount": Text("valor negativo, nada mudou", "negative amount, nothing was changed"),
    "maybe_repeated": Text(
        "pode ser a repetição de um pagamento devolvido, nada mudou",
        "may be the repetition of a reversed payment, nothing was changed",
    ),
    "silent": Text("sem notícia da assinatura além do prazo", "no news of the subscription for too long"),
    "canceled_paid": Text("cancelada, com o período pago por usar", "cancelled, the paid period remains"),
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
    "older": Text("algo mais recente já foi informado", "something newer was reported before"),
    "older_than_provider": Text("o provedor informou algo mais recente", "the provider sent something newer"),
    "older_than_application": Text("a aplicação informou algo mais recente", "the application sent something newer"),
}
