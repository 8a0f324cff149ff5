"""Labels that several pages share."""

from collections.abc import Mapping

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.providers import PROVIDERS

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

CALLS: Mapping[str, Text] = {"openai responses": Text("Chamada ao modelo", "Call of the model")}
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
