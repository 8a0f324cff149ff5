"""The words of each kind of alert: Portuguese, and one line of English."""

from collections.abc import Mapping
from dataclasses import dataclass

from agenciaos_jobs.alerts.alert import Kind


@dataclass(frozen=True)
class Wording:
    """A kind's words, with the alert's details in braces; ``page`` is where the dashboard shows more.

    ``page_of_one`` is where it shows more while there is but one subject.
    """

    title: str
    english: str
    what: str
    advice: str
    page: str
    page_of_one: str | None = None


WORDINGS: Mapping[Kind, Wording] = {
    Kind.RUN_FAILED: Wording(
        "{key}: execução falhou de vez",
        "{key}: a run has failed for good",
        "{name}: {message}",
        "Abra a execução, leia o erro e o log. Corrigida a causa, repita no painel ou com agenciaos-jobs runs replay.",
        "/runs?task={key}&status=failures",
        "/runs/{subject}",
    ),
    Kind.ERROR_NEW: Wording(
        "{key}: erro que nunca tinha acontecido, {name}",
        "{key}: an error never seen before, {name}",
        "{message}",
        "Veja as agências afetadas e a pilha do erro. Mudou algo há pouco? Considere voltar a versão anterior.",
        "/errors/{fingerprint}",
    ),
    Kind.ERROR_BACK: Wording(
        "{key}: erro resolvido voltou, {name}",
        "{key}: a resolved error is back, {name}",
        "{message}",
        "A correção não bastou, ou saiu com a última versão. Compare com as execuções de antes de ser resolvido.",
        "/errors/{fingerprint}",
    ),
    Kind.FAILURE_RATE: Wording(
        "{key}: {percent} % das execuções falham",
        "{key}: {percent} % of the runs fail",
        "{failed} de {ended} execuções falharam nos últimos {window}.",
        "Um mesmo erro na maioria aponta para um serviço de fora (OpenAI, Guru) ou para a última versão. Veja-o.",
        "/errors",
    ),
    Kind.QUEUE_AGE: Wording(
        "Fila atrasada: {key} espera há {age}",
        "Queue behind: {key} has waited for {age}",
        "Execuções na vez: {depth}; a mais antiga espera há {age}.",
        "Há workers no ar? (agenciaos-jobs check) Todos ocupados: suba mais um, ou aumente WORKER_MAX_JOBS.",
        "/runs?task={key}&status=QUEUED",
    ),
    Kind.SCHEDULE_MISSED: Wording(
        "Agendamento atrasado: {subject}",
        "Schedule late: {subject}",
        "O horário de {slot} só disparou {age} depois; a execução já começou.",
        "Nenhum worker estava no ar naquele horário: veja por que pararam. Nada a repetir.",
        "/schedules",
    ),
    Kind.WORKER_LOST: Wording(
        "Worker sumiu: {subject}",
        "Worker lost: {subject}",
        "Não dá sinal desde {seen}. O que ele executava recomeça em outro worker.",
        "Veja na plataforma se faltou memória (OOM) ou se foi morto sem SIGTERM; se repete, veja o que executava.",
        "/",
    ),
    Kind.NO_WORKERS: Wording(
        "Nenhum worker no ar",
        "No worker is alive",
        "Execuções e horários à espera: {waiting}. Nada se perde, mas nada anda.",
        "Suba um worker: agenciaos-jobs worker. Se cai ao subir, rode agenciaos-jobs check no mesmo ambiente.",
        "/",
    ),
    Kind.AI_BUDGET_AGENCY: Wording(
        "Agências com {key} % das gerações do mês",
        "Agencies at {key} % of their generations this month",
        "A última: {subject}, {used} de {limit} gerações do plano {plan}.",
        "Boa hora de oferecer um plano maior. Em 100 % as gerações dela param até o mês virar.",
        "/agencies/{subject}",
    ),
    Kind.AI_BUDGET_TOTAL: Wording(
        "Custo de IA: {percent} % do orçamento do mês",
        "AI cost: {percent} % of the month's budget",
        "US$ {spent} de US$ {budget} em {month}. O serviço continua: o orçamento avisa, não corta.",
        "Veja quais agências e agentes gastam mais. O orçamento é AI_BUDGET_USD.",
        "/agencies",
    ),
    Kind.PAYMENT_UNMATCHED: Wording(
        "Pagamento sem dono: {subject}",
        "Payment that belongs to nobody known: {subject}",
        "{why}",
        "Descubra a agência (e-mail de quem pagou) ou o produto (PLAN_PRODUCTS), corrija e repita o evento no painel.",
        "/payments",
    ),
    Kind.PAYMENT_UNVERIFIED: Wording(
        "Pagamento não confirmado: {subject}",
        "Payment not confirmed: {subject}",
        "{why}",
        "Confira o pagamento na Guru antes de mudar o plano à mão. DMG_API_KEY ainda vale?",
        "/payments",
    ),
    Kind.PAYMENT_DIFFERENCE: Wording(
        "Plano não confere com a Guru: {subject}",
        "A plan differs from what Guru says: {subject}",
        "Plano {plan}; segundo a Guru, {plan_by_guru} ({reason}).",
        "Confira a assinatura na Guru. Com RECONCILE_APPLY=1 a conferência da noite acerta o plano sozinha.",
        "/payments",
    ),
    Kind.WEBHOOK_DEACTIVATED: Wording(
        "A Guru desativou o nosso webhook",
        "Guru has switched our webhook off",
        "Webhook {subject}. A Guru disse: {reason}",
        "Pagamentos não chegam mais. Veja por que falharam, reative o webhook na Guru e reenvie os eventos.",
        "/payments",
    ),
    Kind.WRONG_TOKEN: Wording(
        "Chaves erradas: {door}",
        "Wrong keys: {door}",
        "Pedidos com chave errada: {pending}; os últimos, de {subjects}.",
        "Chave trocada de um lado só? Confira a do serviço que chama. Se não é seu, bloqueie o endereço.",
        "/",
    ),
    Kind.CHANNEL_BROKEN: Wording(
        "Alertas por {key} não chegam",
        "Alerts by {key} do not arrive",
        "{error}",
        "Corrija a configuração do canal e confira com agenciaos-jobs alerts test.",
        "/alerts",
    ),
}

DOORS: Mapping[str, str] = {
    "api": "API (TRIGGER_SECRET_KEY)",
    "guru": "webhook Guru (DMG_WEBHOOK_SECRET)",
    "openai": "webhook OpenAI (OPENAI_WEBHOOK_SECRET)",
    "dashboard": "login (DASHBOARD_PASSWORD)",
}
"""Where wrong keys are shown, and the setting they are compared with."""
