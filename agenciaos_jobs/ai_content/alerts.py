"""The alerts of AI content.

The string after each kind documents its ``key``, its ``subject`` and the details that its texts use.
"""

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.foundation.i18n.text import Text

AI_BUDGET_AGENCY = AlertKind(
    "ai_budget_agency",
    label=Text("Limite de IA da agência", "An agency's AI limit"),
    heading=Text(
        "{agency}{and_others}: {key} % das gerações de IA do mês",
        "{agency}{and_others}: {key} % of the month's AI generations",
    ),
    what=Text(
        pt="{latest}{agency}, {used} de {limit} gerações do plano {plan}.",
        en="{latest}{agency}, {used} of {limit} generations of plan {plan}.",
    ),
    advice=Text(
        pt="Boa hora de oferecer um plano maior. Em 100 % as gerações dela param até o mês virar.",
        en="A good time to offer a larger plan. At 100 % its generations stop until the month ends.",
    ),
    page="/agencies",
    page_of_one="/agencies/{subject}",
)
"""80 or 100 (percent); agency id; agency (its name), used, limit, plan."""

AI_DOWN = AlertKind(
    "ai_down",
    label=Text("OpenAI fora do ar", "OpenAI is down"),
    heading=Text("OpenAI fora do ar: {waiting} execuções esperam", "OpenAI is down: {waiting} runs wait"),
    what=Text(
        pt="O modelo {key} não responde desde {since}. {waiting} execuções esperam e continuam sozinhas depois.",
        en="Model {key} has not answered since {since}. {waiting} runs wait, and go on by themselves when it is back.",
    ),
    advice=Text(
        pt="Nada a repetir. Uma execução testa a cada 30 segundos. Veja status.openai.com, ou troque OPENAI_BASE_URL.",
        en="Nothing to replay. One run tries every 30 seconds. See status.openai.com, or change OPENAI_BASE_URL.",
    ),
    page="/runs?status=QUEUED&task=generate-ai-content",
    is_condition=True,
)
"""A model; -; waiting, since (HH:MM, of São Paulo)."""

AI_BUDGET_TOTAL = AlertKind(
    "ai_budget_total",
    label=Text("Orçamento de IA", "AI budget"),
    heading=Text("Custo de IA: {percent} % do orçamento do mês", "AI cost: {percent} % of the month's budget"),
    what=Text(
        pt="US$ {spent} de US$ {budget} em {month}. O serviço continua: o orçamento avisa, não corta.",
        en=(
            "US$ {spent} of US$ {budget} in {month}. The service goes on: the budget alerts, it does not stop anything."
        ),
    ),
    advice=Text(
        pt="Veja quais agências e agentes gastam mais. O orçamento é AI_BUDGET_USD.",
        en="See which agencies and agents spend most. The budget is AI_BUDGET_USD.",
    ),
    page="/agencies",
)
"""month and percent, such as 2026-11:80; -; spent, budget, percent, month."""
