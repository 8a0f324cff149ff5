"""Public tokens that trigger: ``auth.createTriggerPublicToken`` and ``auth.createBatchTriggerPublicToken``.

Without such a token in the request, every check passes: the request then has the secret key.
"""

from collections.abc import Iterable

from aiohttp import web

from agenciaos_jobs.engine.intake import Condition
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.foundation.database import Connection
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


def spending(request: web.Request, request_key: str | None) -> Condition | None:
    """Uses up a single-use token in the trigger's transaction; 403 if a request with another key has used it.

    So, over all servers, only a trigger that makes or finds a run uses the token up.
    """
    token = request.get(PUBLIC_TOKEN)
    if token is None or not token.is_single_use:
        return None

    async def spend(connection: Connection) -> None:
        if not await spent_tokens.spend(connection, token.digest, request_key, token.expires_at):
            raise _spent()

    return spend


async def require_unspent(request: web.Request) -> None:
    """Raises 403 if the token is for a single use, and has been used."""
    token = request.get(PUBLIC_TOKEN)
    if token and token.is_single_use and await spent_tokens.is_spent(request.app[DATABASE], token.digest):
        raise _spent()


def _spent() -> RequestError:
    return RequestError(403, _SPENT, headers={"x-should-retry": "false"})


def reading_token(request: web.Request, scope: str) -> dict[str, str]:
    """The header with a token that reads what was triggered, for a client that cannot sign one itself."""
    if PUBLIC_TOKEN not in request:
        return {}
    return {"x-trigger-jwt": public_token.mint(request.app[SECRET_KEYS][0], [scope], request.app[CLOCK].now())}
