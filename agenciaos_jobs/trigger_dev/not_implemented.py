"""Features of Trigger.dev's cloud that this service lacks: 501 with a reason, not a 404 that looks like a typo."""

from collections.abc import Mapping

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth
from agenciaos_jobs.http.operation import Handler
from agenciaos_jobs.http.problems import RequestError

_JOBS_ARE_PYTHON = Text(
    "Aqui as tarefas são arquivos Python do próprio serviço; não há implantações da Trigger.dev",
    "Tasks are Python files of this service; there are no Trigger.dev deployments",
)
_NO_CLI = Text(
    "A CLI da Trigger.dev não se usa aqui: as tarefas vão com este serviço; retire trigger.dev dev e deploy",
    "Trigger.dev's CLI has nothing to do here: tasks are deployed with this service; drop trigger.dev dev and deploy",
)
_ENVIRONMENT = Text(
    "As variáveis de ambiente são as do próprio processo; não são geridas por esta API",
    "Environment variables are the process's own; this API does not manage them",
)
_NO_STREAMS = Text(
    "Só as tarefas escrevem em streams, com context.stream; de fora eles apenas são lidos",
    "Only tasks write to streams, with context.stream; from outside they can only be read",
)
_NO_QUEUES = Text(
    "Limites são os das filas: queues.overrideConcurrencyLimit, ou queue.concurrencyLimit em cada trigger",
    "Limits are those of queues: queues.overrideConcurrencyLimit, or queue.concurrencyLimit of each trigger",
)
_NO_TRACES = Text(
    "Não há traces da Trigger.dev; as tentativas estão em GET /api/v3/runs/{id}",
    "There are no Trigger.dev traces; attempts are in GET /api/v3/runs/{id}",
)
_INSIDE_TASKS = Text(
    "Esta chamada é de dentro de uma tarefa da Trigger.dev, que aqui não roda",
    "This call belongs inside a Trigger.dev task, which does not run here",
)
_ONE_KEY = Text(
    "O SDK assina tokens públicos por si, com TRIGGER_SECRET_KEY; não há outras chaves",
    "The SDK signs public tokens itself, with TRIGGER_SECRET_KEY; there are no other keys",
)
_CLOUD_ONLY = Text(
    "Este recurso da Trigger.dev não existe neste serviço",
    "This service does not have this Trigger.dev feature",
)

NOT_HERE: Mapping[str, Text] = {
    "/api/v{version:[0-9]+}/{command:(whoami|authorization-code|token)}": _NO_CLI,
    "/api/v{version:[0-9]+}/deployments{rest:(/.*)?}": _JOBS_ARE_PYTHON,
    "/api/v{version:[0-9]+}/artifacts{rest:(/.*)?}": _JOBS_ARE_PYTHON,
    "/api/v{version:[0-9]+}/projects/{project}/envvars{rest:(/.*)?}": _ENVIRONMENT,
    "/api/v{version:[0-9]+}/projects/{project}/{rest:(?!runs$).+}": _JOBS_ARE_PYTHON,
    "/api/v{version:[0-9]+}/runs/{run_id}/input-streams/{rest:.+}": _NO_STREAMS,
    "/api/v{version:[0-9]+}/runs/{run_id}/session-streams/{rest:.+}": _NO_STREAMS,
    "/realtime/v{version:[0-9]+}/streams{rest:(/.*)?}": _NO_STREAMS,
    "/realtime/v{version:[0-9]+}/sessions{rest:(/.*)?}": _NO_STREAMS,
    "/api/v{version:[0-9]+}/concurrency-limits{rest:(/.*)?}": _NO_QUEUES,
    "/api/v{version:[0-9]+}/runs/{run_id}/{rest:(trace|events|spans/.+)}": _NO_TRACES,
    "/api/v{version:[0-9]+}/runs/{run_id}/{rest:(result|packets/.+)}": _INSIDE_TASKS,
    "/api/v{version:[0-9]+}/batches/{batch_id}/results": _INSIDE_TASKS,
    "/api/v1/packets/{rest:.+}": _INSIDE_TASKS,
    "/engine/{rest:.*}": _INSIDE_TASKS,
    "/api/v{version:[0-9]+}/auth/{rest:(public-tokens|oidc/.+)}": _ONE_KEY,
    "/api/v{version:[0-9]+}/{feature:(sessions|query|reports|prompts|webhooks|orgs)}{rest:(/.*)?}": _CLOUD_ONLY,
}
"""The reasons by path, as aiohttp patterns."""


def add_to(app: web.Application) -> None:
    """Adds routes that respond with 501, after all real ones."""
    for path, text in NOT_HERE.items():
        app.router.add_route("*", path, _refusing(text))


def _refusing(text: Text) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        auth.count(request)
        raise RequestError(501, text, headers={"x-should-retry": "false"})

    return refuse
