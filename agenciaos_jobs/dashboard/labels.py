"""Labels that several pages share."""

from collections.abc import Mapping

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.people.store.audit import Outcome

STATUSES: Mapping[Status, Text] = {
    Status.DELAYED: Text("Adiada", "Delayed"),
    Status.QUEUED: Text("Na fila", "Queued"),
    Status.EXECUTING: Text("Executando", "Executing"),
    Status.COMPLETED: Text("Concluída", "Completed"),
    Status.CANCELED: Text("Cancelada", "Canceled"),
    Status.FAILED: Text("Falhou", "Failed"),
    Status.CRASHED: Text("Worker caiu", "Crashed"),
    Status.TIMED_OUT: Text("Tempo esgotado", "Timed out"),
    Status.EXPIRED: Text("Expirou", "Expired"),
    Status.SYSTEM_FAILURE: Text("Falha do sistema", "System failure"),
}

TONES: Mapping[Status, str] = {
    Status.DELAYED: "wait",
    Status.QUEUED: "wait",
    Status.EXECUTING: "run",
    Status.COMPLETED: "good",
    Status.CANCELED: "off",
    Status.FAILED: "bad",
    Status.CRASHED: "bad",
    Status.TIMED_OUT: "bad",
    Status.EXPIRED: "bad",
    Status.SYSTEM_FAILURE: "bad",
}
"""The colour of a status: a class of the style sheet."""

SOURCES: Mapping[str, Text] = {
    "api": Text("API", "API"),
    "sdk": Text("SDK", "SDK"),
    "cli": Text("Linha de comando", "Command line"),
    "schedule": Text("Agendamento", "Schedule"),
    "replay": Text("Repetição", "Replay"),
    "dashboard": Text("Painel", "Dashboard"),
    "batch": Text("Lote", "Batch"),
    "assigned": Text("Atribuição", "Assignment"),
    "silence": Text("Assinatura sem notícia", "Silent subscription"),
    **{provider.name: Text(provider.label, provider.label) for provider in PROVIDERS},
}
"""The source of a run; one that is missing here is shown as it is stored."""

UNKNOWN_AGENCY = Text("Agência excluída ou desconhecida", "Deleted or unknown agency")
"""What stands in place of the name of an agency that the application does not have."""

CALLS: Mapping[str, Text] = {
    "openai responses": Text("Chamada ao modelo", "Call of the model"),
    "sql": Text("Comando SQL", "SQL statement"),
}
"""The calls to other services in a timeline, by their spans' names; one that is missing here is shown as it is."""

ACTIONS: Mapping[Action, tuple[Text, str]] = {
    Action.ACTIVATED: (Text("Ativou", "Activated"), "good"),
    Action.RENEWED: (Text("Renovou", "Renewed"), "good"),
    Action.DEACTIVATED: (Text("Desativou", "Deactivated"), "bad"),
    Action.UNCHANGED: (Text("Sem mudança", "No change"), "off"),
    Action.DUPLICATE: (Text("Repetido", "Duplicate"), "off"),
    Action.OUTDATED: (Text("Desatualizado", "Outdated"), "off"),
    Action.REJECTED: (Text("Recusado", "Rejected"), "bad"),
    Action.UNMATCHED: (Text("Sem agência", "Unmatched"), "wait"),
    Action.UNVERIFIED: (Text("Não confirmado", "Unverified"), "wait"),
    Action.IGNORED: (Text("Guardado", "Kept"), "off"),
    Action.ASSIGNED: (Text("Atribuído", "Assigned"), "run"),
}
"""The effect of a payment, and its colour."""

ACTS: Mapping[str, Text] = {
    "login": Text("Entrou", "Logged in"),
    "logout": Text("Saiu", "Logged out"),
    "runs/cancel": Text("Cancelou a execução", "Canceled the run"),
    "runs/replay": Text("Repetiu a execução", "Replayed the run"),
    "runs/edit": Text("Editou e repetiu a execução", "Edited and replayed the run"),
    "runs/bulk": Text("Ação em massa", "Bulk action"),
    "errors/resolve": Text("Resolveu o grupo de erros", "Resolved the error group"),
    "errors/reopen": Text("Reabriu o grupo de erros", "Reopened the error group"),
    "errors/replay": Text("Repetiu o grupo de erros", "Replayed the error group"),
    "schedules/activate": Text("Ligou o agendamento", "Turned the schedule on"),
    "schedules/deactivate": Text("Desligou o agendamento", "Turned the schedule off"),
    "schedules/run": Text("Executou o agendamento", "Ran the schedule"),
    "payments/assign": Text("Atribuiu o pagamento", "Assigned the payment"),
    "payments/product": Text("Deu um plano ao produto", "Gave the product a plan"),
    "payments/move": Text("Passou a compra a outra agência", "Moved the purchase to another agency"),
    "reports/generate": Text("Gerou o relatório de novo", "Generated the report again"),
    "reports/send": Text("Enviou o relatório", "Sent the report"),
    "reports/recipients": Text("Mudou quem recebe o relatório", "Changed the report's recipients"),
    "runs/tokens": Text("Completou a espera", "Completed the wait token"),
    "views": Text("Salvou a visão", "Saved the view"),
    "views/delete": Text("Apagou a visão", "Deleted the view"),
    "workbench": Text("Pediu um conteúdo", "Requested a content"),
    "workbench/runs/vary": Text("Pediu uma variação", "Requested a variation"),
    "workbench/runs/feedback": Text("Avaliou o conteúdo", "Rated the content"),
    "test": Text("Iniciou um teste", "Started a test"),
    "sessions/end": Text("Encerrou a sessão", "Ended the session"),
    "trigger": Text("Iniciou a tarefa", "Triggered the task"),
    "queues/pause": Text("Pausou a fila", "Paused the queue"),
    "queues/resume": Text("Retomou a fila", "Resumed the queue"),
    "queues/workers/drain": Text("Drenou o worker", "Drained the worker"),
    "queues/workers/end-drain": Text("Voltou a usar o worker", "Put the worker back to use"),
    "queues/limit": Text("Mudou o limite da fila", "Changed the queue's limit"),
    "queues/reset": Text("Desfez o limite da fila", "Reset the queue's limit"),
    "alerts/test": Text("Testou os canais de alerta", "Tested the alert channels"),
    "prune": Text("Apagou execuções antigas", "Pruned old runs"),
    "users/add": Text("Criou o usuário", "Added the user"),
    "users/role": Text("Trocou o papel do usuário", "Changed the user's role"),
    "users/password": Text("Trocou a senha do usuário", "Changed the user's password"),
    "users/disable": Text("Desativou o usuário", "Disabled the user"),
}
"""What is recorded in the audit; a test compares it with the dashboard's forms."""

OUTCOMES: Mapping[Outcome | None, tuple[Text, str]] = {
    "done": (Text("Feito", "Done"), "good"),
    "asked": (Text("Não confirmado", "Not confirmed"), "off"),
    "refused": (Text("Recusado", "Refused"), "bad"),
    "failed": (Text("Falhou", "Failed"), "bad"),
    None: (Text("Sem registro do fim", "End not recorded"), "wait"),
}
"""What came of it, and its colour."""
