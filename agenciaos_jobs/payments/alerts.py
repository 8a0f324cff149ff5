"""The alerts of payments.

The string after each kind documents its ``key``, its ``subject`` and the details that its texts use.
"""

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments import words


def _reason(_: str, details: Json) -> Json:
    """``why``: the decision's code in words, followed by the reason."""
    code, reason = details.get("code"), details.get("reason")
    known = words.why(str(code))
    if known is None:
        return {"why": str(reason or "—")}
    after = f" ({reason})" if reason else ""
    return {"why": Text(*(text[0].upper() + text[1:] + after for text in (known.pt, known.en)))}


PAYMENT_UNMATCHED = AlertKind(
    "payment_unmatched",
    label=Text("Pagamento sem agência", "Payment without an agency"),
    heading=Text("Pagamento sem agência: {subject}", "Payment with no matching agency: {subject}"),
    what=Text("{why}", "{reason}"),
    advice=Text(
        pt=(
            "Descubra a agência (e-mail de quem pagou) ou o produto (PLAN_PRODUCTS), corrija e repita o evento "
            "no painel."
        ),
        en="Find the agency (the e-mail of whoever paid) or the product (PLAN_PRODUCTS), then assign the payment.",
    ),
    page="/payments",
    values=_reason,
)
"""source or -; event or run id; code, reason. A payment without a matching agency or product."""

PAYMENT_UNVERIFIED = AlertKind(
    "payment_unverified",
    label=Text("Pagamento não confirmado", "Payment not confirmed"),
    heading=Text("Pagamento não confirmado: {subject}", "Payment not confirmed: {subject}"),
    what=Text("{why}", "{reason}"),
    advice=Text(
        pt="Confira o pagamento na Guru antes de mudar o plano à mão. DMG_API_KEY ainda vale?",
        en="Check the payment at Guru before changing the plan by hand. Is DMG_API_KEY still valid?",
    ),
    page="/payments",
    values=_reason,
)
"""source or -; event or run id; code, reason. A payment that Guru did not confirm."""

PAYMENT_DIFFERENCE = AlertKind(
    "payment_difference",
    label=Text("Plano que não confere", "Plan differs"),
    heading=Text("Plano não confere com a Guru: {subject}", "A plan differs from Guru's: {subject}"),
    what=Text(
        pt="Plano {plan}; segundo a Guru, {plan_by_guru} ({reason}).",
        en="Plan {plan}; according to Guru, {plan_by_guru} ({reason}).",
    ),
    advice=Text(
        pt="Confira a assinatura na Guru. Com RECONCILE_APPLY=1 a conferência da noite acerta o plano sozinha.",
        en="Check the subscription at Guru. With RECONCILE_APPLY=1 the nightly reconciliation corrects the plan.",
    ),
    page="/payments",
)
"""source; agency id; plan, plan_by_guru, reason. A plan that differs from Guru's data."""

WEBHOOK_DEACTIVATED = AlertKind(
    "webhook_deactivated",
    label=Text("Webhook desativado", "Webhook disabled"),
    heading=Text("A Guru desativou o nosso webhook", "Guru has disabled our webhook"),
    what=Text("Webhook {subject}. Segundo a Guru: {reason}", "{reason}"),
    advice=Text(
        pt="Pagamentos não chegam mais. Veja por que falharam, reative o webhook na Guru e reenvie os eventos.",
        en=(
            "Payments no longer arrive. Find out why deliveries failed, enable the webhook at Guru and resend "
            "the events."
        ),
    ),
    page="/payments",
)
"""source, such as guru; webhook id; reason."""
