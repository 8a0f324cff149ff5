"""What customers read when a text was not written. The code stays, the technical message is for operators."""

from datetime import date, datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.formatting import names
from agenciaos_jobs.foundation.i18n.text import Text

_LIMIT = Text(
    "Limite de uso de IA excedido para este mês: {used} de {limit} gerações do plano {plan}. Renova em {day}.",
    "AI usage limit exceeded for this month: {used} of {limit} generations of the {plan} plan. Renews on {day}.",
)
_BROKEN_LIMITS = Text(
    "O texto da IA não coube nos limites, mesmo depois de uma correção: {problems}. Tente de novo.",
    "The AI's text broke the limits even after a correction: {problems}. Try again.",
)
_WORDS = {
    "agency_not_found": Text("Esta agência não existe mais.", "This agency no longer exists."),
    "unknown_plan": Text(
        "O plano desta agência não inclui geração com IA. Fale com o suporte.",
        "This agency's plan does not include AI content. Contact support.",
    ),
    "model_refused": Text(
        "A IA se recusou a escrever este conteúdo. Reveja o pedido.",
        "The AI refused this. Revise the request.",
    ),
    "content_filtered": Text(
        "O filtro de conteúdo da IA barrou este texto. Reveja o pedido.",
        "The AI's content filter stopped this text. Revise the request.",
    ),
    "output_truncated": Text(
        "O texto ficou longo demais e foi cortado pela IA. Peça algo mais curto.",
        "The text became too long, and the AI cut it off. Ask for something shorter.",
    ),
    "output_not_json": Text(
        "A IA respondeu num formato inválido. Tente de novo.", "The AI's answer had an invalid format. Try again."
    ),
    "openai_not_configured": Text(
        "A geração com IA ainda não foi configurada. Fale com o suporte.",
        "AI content is not configured yet. Contact support.",
    ),
}
_UNAVAILABLE = Text(
    "O serviço de IA não atendeu ao pedido. Tente de novo em alguns minutos; se continuar, fale com o suporte.",
    "The AI service did not fulfill the request. Try again in a few minutes; if it persists, contact support.",
)
_SERVICE = ("openai_", "upstream_", "generation_failed", "response_gone", "ai_wait_limit_reached")


def explain(code: str, details: Json) -> Text | None:
    """The words for an error's code; ``None`` for one that is not of this wing."""
    if code == "plan_limit_reached" and {"used", "limit", "plan", "resetsAt"} <= details.keys():
        day = datetime.fromisoformat(details["resetsAt"]).astimezone(SAO_PAULO).date()
        return _LIMIT.format(**details | {"day": _day(day)})
    if code == "output_limits_exceeded" and "problems" in details:
        return _BROKEN_LIMITS.format(problems="; ".join(details["problems"]))
    return _WORDS.get(code) or (_UNAVAILABLE if code.startswith(_SERVICE) else None)


def _day(day: date) -> Text:
    return Text(f"{day.day}/{day.month}", f"{names('en').short_months[day.month - 1]} {day.day}")
