"""Why an agency has its plan, what would change it, and when it changes by itself."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.payments.policy.entitlement import entitlement
from agenciaos_jobs.payments.policy.evaluation import Entitlement, evaluate
from agenciaos_jobs.payments.policy.hypotheses import hypotheses
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.providers import label_of
from agenciaos_jobs.payments.words import why


@dataclass(frozen=True)
class Explanation:
    """The story of a plan in sentences; ``others`` are the purchases that do not decide it."""

    because: str
    by_itself: str
    would_change: list[str]
    others: list[str]

    @property
    def lines(self) -> list[str]:
        return [self.because, self.by_itself, *self.would_change, *self.others]


def explain(account: Account, now: datetime, terms: Terms, fmt: Formatter) -> Explanation:
    """Explains the present plan from the facts of the agency's purchases."""
    own_terms = account.terms(terms)
    given = entitlement(account.purchases, now, own_terms)
    others = [
        f"{_name(purchase_id, one.source, fmt)}: {_why(evaluate(one.facts, now, own_terms), fmt)}."
        for purchase_id, one in sorted(account.purchases.items())
        if given and purchase_id != given.purchase_id
    ]
    return Explanation(
        because=_because(account, given, fmt),
        by_itself=_by_itself(given, fmt),
        would_change=[
            f"{fmt.of(_IF[one.fact])}: {_outcome(one.given, fmt)}." for one in hypotheses(account, now, terms)
        ],
        others=others,
    )


def _because(account: Account, given: Entitlement | None, fmt: Formatter) -> str:
    plan = f"{fmt.of(_PLAN)} {account.plan}"
    if given is None:
        return f"{plan}: {fmt.of(_NOTHING)}."
    if given.plan != account.plan:
        return f"{plan}: {fmt.of(_ELSEWHERE)} ({_name(given.purchase_id, given.source, fmt)}: {_why(given, fmt)})."
    product = f", {given.product}" if given.product else ""
    paid = f", {fmt.of(_PAID_UNTIL)} {fmt.moment(given.period_end)}" if given.period_end else ""
    return f"{plan}: {_why(given, fmt)} ({_name(given.purchase_id, given.source, fmt)}{product}{paid})."


def _by_itself(given: Entitlement | None, fmt: Formatter) -> str:
    if given and given.due_at:
        return f"{fmt.of(_CHANGES)} {fmt.moment(given.due_at)}."
    if given and given.check_at:
        return f"{fmt.of(_CHECKED)} {fmt.moment(given.check_at)}."
    return f"{fmt.of(_STAYS)}."


def _outcome(given: Entitlement, fmt: Formatter) -> str:
    until = f", {fmt.of(_UNTIL)} {fmt.moment(given.due_at)}" if given.due_at else ""
    return f"{fmt.of(_PLAN).lower()} {given.plan}{until} ({_why(given, fmt)})"


def _why(given: Entitlement, fmt: Formatter) -> str:
    text = why(given.code)
    return fmt.of(text) if text else given.code


def _name(purchase_id: str, source: str, fmt: Formatter) -> str:
    return fmt.of(_APPLICATION) if purchase_id == source else f"{label_of(source)} {purchase_id}"


_PLAN = Text("Plano", "Plan")
_NOTHING = Text("nenhum pagamento é conhecido", "no payment is known")
_ELSEWHERE = Text("não vem dos pagamentos conhecidos", "it does not come from the payments that are known")
_PAID_UNTIL = Text("pago até", "paid until")
_UNTIL = Text("até", "until")
_APPLICATION = Text("a aplicação", "the application")
_CHANGES = Text("Muda sozinho em", "It changes by itself on")
_CHECKED = Text(
    "Não muda sozinho; sem renovação, é conferido em",
    "It does not change by itself; without a renewal it is checked on",
)
_STAYS = Text("Não muda sozinho", "It does not change by itself")
_IF = {
    "active": Text("Com um pagamento", "With a payment"),
    "pastdue": Text("Com um atraso", "If payment is late"),
    "canceled": Text("Com um cancelamento", "With a cancellation"),
    "expired": Text("Se expirar", "If it expires"),
    "refunded": Text("Com um reembolso", "With a refund"),
    "chargeback": Text("Com um chargeback", "With a chargeback"),
}
