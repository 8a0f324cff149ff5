"""The alerts of the engine and of the service itself; a wing declares its own in its ``alerts.py``.

The string after each kind documents its ``key``, its ``subject`` and the details that its texts use.
"""

from collections.abc import Mapping

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text

ENDPOINTS: Mapping[str, str] = {
    "api": "API (TRIGGER_SECRET_KEY)",
    "openai": "webhook OpenAI (OPENAI_WEBHOOK_SECRET)",
    "dashboard": "login (DASHBOARD_PASSWORD)",
}
"""Where keys are checked, and the setting they are compared with."""


def _endpoint(key: str, details: Json) -> Json:
    """A wing's own endpoint is described in the details."""
    return {"endpoint": details.get("endpoint") or ENDPOINTS.get(key, key or "—")}


def _taken(_: str, details: Json) -> Json:
    return {"taken": Text("disparou", "fired") if details.get("fired") else Text("foi pulado", "was skipped")}


def _blocking(key: str, details: Json) -> Json:
    lines = str(details.get("stack", "")).rstrip().splitlines()
    return {"job": key or "agenciaos-jobs", "place": " ".join(line.strip() for line in lines[-2:])}


RUN_FAILED = AlertKind(
    "run_failed",
    label=Text("Execução falhou definitivamente", "Run failed permanently"),
    heading=Text("{key}: execução falhou definitivamente", "{key}: a run failed permanently"),
    what=Text("{latest}{name}: {message}", "{latest}{name}: {message}"),
    advice=Text(
        pt=(
            "Abra a execução, leia o erro e o log. Corrigida a causa, repita no painel ou com agenciaos-jobs "
            "runs replay."
        ),
        en=(
            "Open the run, read its error and its log. Once the cause is fixed, replay it here or with "
            "agenciaos-jobs runs replay."
        ),
    ),
    page="/runs?task={key}&status=failures",
    page_of_one="/runs/{subject}",
)
"""task; run id; type, code, message, fingerprint."""

ERROR_NEW = AlertKind(
    "error_new",
    label=Text("Erro novo", "New error"),
    heading=Text("{key}: erro inédito, {name}{and_others}", "{key}: a new error, {name}{and_others}"),
    what=Text("{latest}{message}", "{latest}{message}"),
    advice=Text(
        pt="Veja as agências afetadas e a pilha do erro. Mudou algo há pouco? Considere voltar a versão anterior.",
        en=(
            "Check which agencies are affected and the error's stack. Did something change recently? Consider "
            "rolling back."
        ),
    ),
    page="/errors?task={key}",
    page_of_one="/errors/{fingerprint}",
)
"""task; the error in short; type, code, message, fingerprint."""

ERROR_BACK = AlertKind(
    "error_back",
    label=Text("Erro que voltou", "Error is back"),
    heading=Text(
        "{key}: erro resolvido voltou, {name}{and_others}", "{key}: a resolved error is back, {name}{and_others}"
    ),
    what=Text("{latest}{message}", "{latest}{message}"),
    advice=Text(
        pt="A correção não bastou, ou saiu com a última versão. Compare com as execuções de antes de ser resolvido.",
        en="The fix was not enough, or the last release lost it. Compare with the runs from before it was resolved.",
    ),
    page="/errors?task={key}",
    page_of_one="/errors/{fingerprint}",
)
"""task; the error in short; type, code, message, fingerprint."""

FAILURE_RATE = AlertKind(
    "failure_rate",
    label=Text("Muitas falhas", "Many failures"),
    heading=Text("{key}: {percent} % das execuções falham", "{key}: {percent} % of the runs fail"),
    what=Text(
        pt="{failed} de {ended} execuções falharam nos últimos {window}.",
        en="{failed} of {ended} runs failed within the last {window}.",
    ),
    advice=Text(
        pt="Um mesmo erro na maioria aponta para um serviço externo (OpenAI, pagamentos) ou a última versão. Veja-o.",
        en="If one error dominates, look at the external service (OpenAI, payments) or at the last release.",
    ),
    page="/errors",
    is_condition=True,
)
"""task; -; failed, ended, percent."""

QUEUE_AGE = AlertKind(
    "queue_age",
    label=Text("Fila atrasada", "Queue late"),
    heading=Text("Fila atrasada: {key} espera há {age}", "Queue late: {key} has waited for {age}"),
    what=Text(
        pt="Execuções na vez: {depth}; a mais antiga espera há {age}.",
        en="{depth} runs are due; the oldest has waited for {age}.",
    ),
    advice=Text(
        pt="Há workers ativos? (agenciaos-jobs check) Todos ocupados: suba mais um, ou aumente WORKER_MAX_JOBS.",
        en="Are workers running? (agenciaos-jobs check) If all are busy, start one more or raise WORKER_MAX_JOBS.",
    ),
    page="/runs?task={key}&status=QUEUED",
    is_condition=True,
)
"""task; -; depth, seconds."""

SCHEDULE_MISSED = AlertKind(
    "schedule_missed",
    label=Text("Agendamento atrasado", "Schedule fired late"),
    heading=Text("Agendamento atrasado: {subject}", "Schedule fired late: {subject}"),
    what=Text(
        pt="O horário de {slot} só disparou {age} depois; a execução já começou.",
        en="The slot at {slot} fired {age} late; its run has started.",
    ),
    advice=Text(
        pt="Nenhum worker estava ativo naquele horário: veja por que pararam. Nada a repetir.",
        en="No worker was running at that time: see why they stopped. There is nothing to replay.",
    ),
    page="/schedules",
)
"""schedule id; task; slot, seconds."""

SCHEDULE_EARLY = AlertKind(
    "schedule_early",
    label=Text("Agendamento adiantado", "Schedule ahead of time"),
    heading=Text("Relógio do banco adiantado: {subject}", "Database clock was ahead: {subject}"),
    what=Text(
        pt=(
            "O horário de {slot} {taken} {age} antes da hora, porque o relógio do banco estava adiantado. O "
            "agendamento segue a partir de agora; um horário que já tem execução não dispara de novo."
        ),
        en=(
            "The slot at {slot} {taken} {age} before its time, because the database's clock was ahead. The schedule "
            "continues from now; a slot that has its run does not fire again."
        ),
    ),
    advice=Text(
        pt="Confira o NTP do servidor do banco. Se a execução adiantada usou a data errada, repita-a na hora certa.",
        en="Check NTP on the database's server. If the early run worked with a wrong date, replay it when it is time.",
    ),
    page="/schedules",
    values=_taken,
)
"""schedule id; task; slot, seconds, fired."""

WORKER_LOST = AlertKind(
    "worker_lost",
    label=Text("Worker perdido", "Worker lost"),
    heading=Text("Worker sumiu: {subject}", "Worker lost: {subject}"),
    what=Text(
        pt="Não dá sinal desde {seen}. O que ele executava recomeça em outro worker.",
        en="Last heartbeat at {seen}. Its runs start again on another worker.",
    ),
    advice=Text(
        pt=("Veja na plataforma se faltou memória (OOM) ou se foi morto sem SIGTERM; se repete, veja o que executava."),
        en=(
            "See on the platform whether it ran out of memory or was killed without SIGTERM; if it happens "
            "again, see what it was executing."
        ),
    ),
    page="/",
)
"""-; host:pid; seen."""

EVENT_LOOP_BLOCKED = AlertKind(
    "event_loop_blocked",
    label=Text("Worker bloqueado por um job", "Worker blocked by a job"),
    heading=Text("{job}: bloqueia o worker inteiro", "{job}: blocks its whole worker"),
    what=Text(
        pt="O loop de eventos está parado há {seconds} s; as outras execuções do worker esperam. Onde: {place}",
        en="The event loop has stood still for {seconds} s, and the worker's other runs wait. Where: {place}",
    ),
    advice=Text(
        pt="Declare o job com blocking=True, ou leve a parte demorada a uma thread: await asyncio.to_thread(…).",
        en="Declare the job with blocking=True, or move its slow part to a thread: await asyncio.to_thread(…).",
    ),
    page="/runs?task={key}",
    page_of_one="/runs/{subject}",
    values=_blocking,
)
"""task; run id; seconds, stack."""

NO_WORKERS = AlertKind(
    "no_workers",
    label=Text("Nenhum worker", "No worker"),
    heading=Text("Nenhum worker ativo", "No worker is running"),
    what=Text(
        pt="Execuções e horários à espera: {waiting}. Nada se perde, mas nada anda.",
        en="{waiting} runs wait; nothing is lost, but nothing runs.",
    ),
    advice=Text(
        pt="Suba um worker: agenciaos-jobs worker. Se cai ao subir, rode agenciaos-jobs check no mesmo ambiente.",
        en=(
            "Start a worker: agenciaos-jobs worker. If it dies at once, run agenciaos-jobs check in the same "
            "environment."
        ),
    ),
    page="/",
    is_condition=True,
)
"""-; -; waiting."""

WRONG_TOKEN = AlertKind(
    "wrong_token",
    label=Text("Chaves inválidas", "Invalid keys"),
    heading=Text("Chaves inválidas: {endpoint}", "Invalid keys: {endpoint}"),
    what=Text(
        pt="Pedidos com chave inválida: {pending}; os últimos, de {subjects}.",
        en="{pending} requests with an invalid key, the last ones from {subjects}.",
    ),
    advice=Text(
        pt="Chave trocada de um lado só? Confira a do serviço que chama. Se não é seu, bloqueie o endereço.",
        en="Was a key rotated on one side only? Check the calling service's. If it is not yours, block the address.",
    ),
    page="/",
    values=_endpoint,
)
"""which endpoint, such as api; remote address; endpoint, of a wing's own."""

CHANNEL_BROKEN = AlertKind(
    "channel_broken",
    label=Text("Canal com problema", "Broken channel"),
    heading=Text("Alertas por {key} não chegam", "Alerts by {key} are not delivered"),
    what=Text("{error}", "{error}"),
    advice=Text(
        pt="Corrija a configuração do canal e confira com agenciaos-jobs alerts test.",
        en="Fix the channel's settings and check with agenciaos-jobs alerts test.",
    ),
    page="/alerts",
)
"""channel; -; error."""
