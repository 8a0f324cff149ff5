"""What people call a run: the kind of content, the month or the payment, rather than its task."""

from collections.abc import Mapping

from agenciaos_jobs.ai_content.agents import find
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.registry import JOBS

_AI = "generate-ai-content"

NAMES: Mapping[str, Text] = {
    _AI: Text("Conteúdo com IA", "AI content"),
    "generate-monthly-reports": Text("Relatórios do mês", "Monthly reports"),
    "deliver-report": Text("Envio de relatório", "Report delivery"),
    "process-payment-webhook": Text("Pagamento", "Payment"),
    "settle-due-payments": Text("Planos vencidos", "Plans that are due"),
    "reconcile-payments": Text("Conferência de pagamentos", "Payment reconciliation"),
    "deliver-alert": Text("Envio de alerta", "Alert delivery"),
    **{
        f"process-{provider.name}-webhook": Text(f"Pagamento ({provider.label})", f"Payment ({provider.label})")
        for provider in PROVIDERS
    },
}
"""Short names of our own tasks; that of any other is its summary, or the task itself."""

OF_A_MONTH: Mapping[str, Text] = {
    "generate-monthly-reports": Text("Relatórios de {month}", "Reports of {month}"),
    "deliver-report": Text("Envio do relatório de {month}", "Delivery of the report of {month}"),
}


def name_of(task: str, agent: str | None, month: str | None, fmt: Formatter) -> str:
    """The name of a run by the agent and the month in its payload, as they were sent."""
    if task == _AI and agent and (known := find(agent)):
        return known.name
    if month and task in OF_A_MONTH:
        try:
            return fmt.of(OF_A_MONTH[task]).format(month=fmt.month(Month.parse(month).first_day))
        except ValueError:
            pass
    job = JOBS.get(task)
    return fmt.of(NAMES.get(task) or (job.title if job else Text(task, task)))
