"""Public tokens that trigger: ``auth.createTriggerPublicToken`` and ``auth.createBatchTriggerPublicToken``.

Without such a token in the request, every check passes: the request then has the secret key.
"""

from collections.abc import Iterable

from aiohttp import web

from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_token
from agenciaos_jobs.http.keys import CLOCK, DATABASE, PUBLIC_TOKEN, SECRET_KEYS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.http.scopes import TriggerAction, may_trigger
from agenciaos_jobs.trigger_dev.store import spent_tokens

_OTHER_AGENCY = Text(
    "Este token público só inicia tarefas da sua própria agência",
    "This public token only triggers tasks of its own agency",
)
_SPENT = Text(
    "Este token público já foi usado; ele vale para um único disparo",
    "This public token has been used already; it allows a single trigger",
)


def require_task(request: web.Request, action: TriggerAction, task: str) -> None:
    """Raises 403 if the token does not allow this task."""
    token = request.get(PUBLIC_TOKEN)
    if token and not may_trigger(token.scopes, action, task):
        raise RequestError(
            403,
            Text(
                f"Os escopos deste token público não permitem iniciar a tarefa {task[:100]}",
                f"The scopes of this public token do not allow triggering the task {task[:100]}",
            ),
        )


def require_agency(request: web.Request, runs: Iterable[NewRun]) -> None:
    """Raises 403 if the token belongs to an agency, and a run to another."""
    token = request.get(PUBLIC_TOKEN)
    if token and token.agency_id and any(run.agency_id != token.agency_id for run in runs):
        raise RequestError(403, _OTHER_AGENCY)


async def spend(request: web.Request, request_key: str | None) -> None:
    """Uses up a single-use token, over all servers; raises 403 if another request has used it.

    Called last before the trigger, so that an invalid request leaves the token usable.
    """
    token = request.get(PUBLIC_TOKEN)
    if token and token.is_single_use:
        database = request.app[DATABASE]
        if not await spent_tokens.spend(database, token.digest, request_key, token.expires_at):
            raise RequestError(403, _SPENT, headers={"x-should-retry": "false"})


def reading_token(request: web.Request, scope: str) -> dict[str, str]:
    """The header with a token that reads what was triggered, for a client that cannot sign one itself."""
    if PUBLIC_TOKEN not in request:
        return {}
    return {"x-trigger-jwt": public_token.mint(request.app[SECRET_KEYS][0], [scope], request.app[CLOCK].now())}
