"""What public tokens may do at an endpoint, by their scopes."""

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.http.scopes import TriggerAction, may_read, may_trigger_something, may_write

TokenAccess = Callable[[web.Request, Collection[str]], Awaitable[None]]
"""``async (request, scopes)``: raises 403 if the scopes do not cover the request."""

Resources = Callable[[web.Request], Awaitable[Collection[str]]]
"""The resources that a request concerns, by the names that scopes may cover, such as ``runs:run_01…``."""


def reads(resources: Resources) -> TokenAccess:
    """Opens an endpoint to tokens that may read one of the resources."""

    async def check(request: web.Request, scopes: Collection[str]) -> None:
        if not may_read(scopes, await resources(request)):
            raise RequestError(403, _OUT_OF_SCOPE)

    return check


def writes(resources: Resources) -> TokenAccess:
    """Opens an endpoint to tokens that may change one of the resources."""

    async def check(request: web.Request, scopes: Collection[str]) -> None:
        if not may_write(scopes, await resources(request)):
            raise RequestError(403, _OUT_OF_SCOPE)

    return check


def triggers(*actions: TriggerAction) -> TokenAccess:
    """Opens an endpoint to tokens that trigger. The handler checks the tasks, which are in the body."""

    async def check(_: web.Request, scopes: Collection[str]) -> None:
        if not may_trigger_something(scopes, actions):
            raise RequestError(403, _MAY_NOT_TRIGGER)

    return check


_OUT_OF_SCOPE = Text(
    "Os escopos deste token público não incluem este acesso",
    "The scopes of this public token do not cover this request",
)
_MAY_NOT_TRIGGER = Text(
    "Os escopos deste token público não permitem iniciar tarefas por este endpoint",
    "The scopes of this public token do not allow triggering here",
)
