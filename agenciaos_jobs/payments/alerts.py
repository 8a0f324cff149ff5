"""The alerts of payments.

The string after each kind documents its ``key``, its ``subject`` and the details that its texts use.
"""

from datetime import datetime

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments import words
from agenciaos_jobs.payments.policy.evaluation import Entitlement
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.providers import label_of


def _reason(key: str, details: Json) -> Json:
    """``why``: the decision's code in words, followed by the reason; ``provider``: the name of where it comes from."""
    code, reason = details.get("code"), details.get("reason")
    provider = label_of(key.partition(":")[0])
    known = words.why(str(code))
    if known is None:
        return {"why": str(reason or "—"), "provider": provider}
    after = f" ({reason})" if reason else ""
    why = Text(*(text[0].upper() + text[1:] + after for text in (known.pt, known.en)))
    return {"why": why, "provider": provider}


def _ended(_: str, details: Json) -> Json:
    """``ended``: the end of the period as people write it."""
    if "period_end" not in details:
        return {"ended": "—"}
    at = datetime.fromisoformat(str(details["period_end"]))
    return {"ended": Text(Formatter("pt", at).moment(at), Formatter("en", at).moment(at))}


PAYMENT_UNMATCHED = AlertKind(
    "payment_unmatched",
    label=Text("Pagamento sem agência ou plano", "Payment without an agency or plan"),
    heading=Text("Pagamento sem agência ou plano: {subject}", "Payment with no matching agency or plan: {subject}"),
    what=Text("{why}", "{reason}"),
    advice=Text(
        pt="Na página do pagamento, diga de que agência ele é, ou que plano o produto dá.",
        en="On the payment's page, assign it to an agency, or give its product a plan.",
    ),
    page="/payments",
    values=_reason,
)
"""source or -; event or run id; code, reason, product. A payment without a matching agency or product."""

PAYMENT_UNVERIFIED = AlertKind(
    "payment_unverified",
    label=Text("Pagamento não confirmado", "Payment not confirmed"),
    heading=Text("Pagamento não confirmado: {subject}", "Payment not confirmed: {subject}"),
    what=Text("{why}", "{reason}"),
    advice=Text(
        pt="Confira o pagamento no provedor ({provider}) antes de mudar o plano à mão. A chave da API ainda vale?",
        en="Check the payment at the provider ({provider}) before changing a plan by hand. Is its API key valid?",
    ),
    page="/payments",
    values=_reason,
)
"""source; event id; code, reason. A payment that its provider did not confirm."""

PAYMENT_NOT_UNDERSTOOD = AlertKind(
    "payment_not_understood",
    label=Text("Pagamento não entendido", "Payment not understood"),
    heading=Text("Pagamento não entendido: {subject}", "Payment not understood: {subject}"),
    what=Text("{why}", "{reason}"),
    advice=Text(
        pt="Nenhum plano mudou. Veja o que quem enviou quis dizer, e mude o plano à mão se for o caso.",
        en="No plan was changed. Find out what the sender meant, and change the plan by hand if need be.",
    ),
    page="/payments",
    values=_reason,
)
"""source, and the unknown word after a colon; word or run id; code, reason. An unknown status alerts once."""

PAYMENT_DIFFERENCE = AlertKind(
    "payment_difference",
    label=Text("Plano que não confere", "Plan differs"),
    heading=Text("Plano não confere com o provedor: {subject}", "A plan differs from the provider's: {subject}"),
    what=Text(
        pt="Plano {plan}; segundo o provedor, {plan_by_provider} ({reason}). Agora: {plan_after}.",
        en="Plan {plan}; according to the provider, {plan_by_provider} ({reason}). Now: {plan_after}.",
    ),
    advice=Text(
        pt="Confira a assinatura no provedor. Com RECONCILE_APPLY=1 a conferência da noite acerta o plano sozinha.",
        en="Check the subscription at the provider. With RECONCILE_APPLY=1 the nightly reconciliation corrects it.",
    ),
    page="/payments",
)
"""-; agency id; plan, plan_by_provider, plan_after, reason. A plan that differs from the provider's data."""

PAYMENT_PROVIDER_DOWN = AlertKind(
    "payment_provider_down",
    label=Text("Provedor de pagamento fora do ar", "Payment provider is down"),
    heading=Text("{provider} fora do ar: {waiting} execuções esperam", "{provider} is down: {waiting} runs wait"),
    what=Text(
        pt="A API não responde desde {since}. {waiting} execuções esperam e continuam sozinhas depois.",
        en="Its API has not answered since {since}. {waiting} runs wait, and go on by themselves when it is back.",
    ),
    advice=Text(
        pt="Nada a repetir. Uma execução testa a cada 30 segundos. Webhooks continuam a ser guardados.",
        en="Nothing to replay. One run tries every 30 seconds. Webhooks are still stored.",
    ),
    page="/runs?status=QUEUED",
    is_condition=True,
    values=_reason,
)
"""A provider; -; waiting, since (HH:MM, of São Paulo)."""

PAYMENT_SILENT = AlertKind(
    "payment_silent",
    label=Text("Assinatura sem notícia", "Silent subscription"),
    heading=Text("Assinatura sem notícia: {subject}", "Silent subscription: {subject}"),
    what=Text(
        pt="O período pago da compra {purchase} acabou em {ended}, e nada chegou desde então.",
        en="The paid period of purchase {purchase} ended on {ended}, and nothing has arrived since.",
    ),
    advice=Text(
        pt="Confira a assinatura no provedor. Com SILENCE_DAYS o plano acaba sozinho depois desse prazo.",
        en="Check the subscription at the provider. With SILENCE_DAYS the plan ends by itself after that time.",
    ),
    page="/payments",
    values=_ended,
)
"""purchase and period; agency id; purchase, period_end. An active subscription without a renewal."""

PAYMENT_MOVED = AlertKind(
    "payment_moved",
    label=Text("Assinante em outra agência", "Subscriber in another agency"),
    heading=Text("Assinante em outra agência: {subject}", "Subscriber in another agency: {subject}"),
    what=Text(
        pt="A compra {purchase} é da agência {agency}, mas o e-mail de quem paga é hoje da agência {other}.",
        en="Purchase {purchase} belongs to agency {agency}, but the payer's e-mail now belongs to agency {other}.",
    ),
    advice=Text(
        pt=(
            "O plano fica com {agency} até que uma pessoa decida. Fale com o cliente; se a compra mudou de agência, "
            "passe-a na página do pagamento ou com agenciaos-jobs payments move {purchase} {other}."
        ),
        en=(
            "The plan stays with {agency} until a person decides. Ask the customer; if the purchase now is another "
            "agency's, move it on the payment's page or with agenciaos-jobs payments move {purchase} {other}."
        ),
    ),
    page="/payments",
)
"""purchase and other agency; agency id; purchase, agency, other. A person decides."""

WEBHOOK_DEACTIVATED = AlertKind(
    "webhook_deactivated",
    label=Text("Webhook desativado", "Webhook disabled"),
    heading=Text("{provider} desativou o nosso webhook", "{provider} has disabled our webhook"),
    what=Text(
        "Webhook {subject}. Segundo o provedor: {reason}", "Webhook {subject}. According to the provider: {reason}"
    ),
    advice=Text(
        pt="Pagamentos não chegam mais. Veja por que falharam, reative o webhook no provedor e reenvie os eventos.",
        en=(
            "Payments no longer arrive. Find out why deliveries failed, enable the webhook at the provider and resend "
            "the events."
        ),
    ),
    page="/payments",
    values=_reason,
)
"""source; webhook id; reason."""


def unlisted(source: str, event: PaymentEvent) -> list[AlertEvent]:
    """For a product without a plan of a purchase that goes on: once for each product."""
    product = event.products[0]
    reason = f"PLAN_PRODUCTS has no product {product!r}; the purchase keeps its plan"
    details = {"code": "unknown_product", "reason": reason, "product": product}
    return [AlertEvent(PAYMENT_UNMATCHED, f"{source}:{product}", product, details, once=True)]


def not_understood(source: str, found: NotUnderstood, run_id: str | None = None) -> list[AlertEvent]:
    """For an unknown word, once for each; for anything else each time, if ``run_id`` is given."""
    details = {"code": found.code, "reason": found.reason}
    if found.word is not None:
        return [AlertEvent(PAYMENT_NOT_UNDERSTOOD, f"{source}:{found.word}", found.word, details, once=True)]
    return [AlertEvent(PAYMENT_NOT_UNDERSTOOD, source, run_id, details)] if run_id else []


def silent(agency_id: str, given: Entitlement) -> list[AlertEvent]:
    """For a subscription that is silent: once for each period."""
    if not given.is_silent or given.period_end is None:
        return []
    details = {"purchase": given.purchase_id, "period_end": given.period_end.isoformat()}
    return [AlertEvent(PAYMENT_SILENT, ":".join(details.values()), agency_id, details, once=True)]


def moved(purchase_id: str, agency_id: str, other: str) -> list[AlertEvent]:
    """For a payer whose e-mail now belongs to another agency: once for each purchase and agency."""
    details = {"purchase": purchase_id, "agency": agency_id, "other": other}
    return [AlertEvent(PAYMENT_MOVED, f"{purchase_id}:{other}", agency_id, details, once=True)]
