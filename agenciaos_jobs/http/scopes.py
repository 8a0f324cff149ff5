"""Scopes of public tokens, and what they allow at an endpoint."""

from collections.abc import Awaitable, Callable, Collection
from typing import Literal

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.problems import RequestError

TriggerAction = Literal["trigger", "batchTrigger"]
"""What ``auth.createTriggerPublicToken`` and ``auth.createBatchTriggerPublicToken`` of Trigger.dev's SDKs allow."""

_EVERYTHING = frozenset({"read", "read:all"})
_ALL_RUNS = "read:runs"
_NOT_OF_RUNS = "reports"


def may_read(scopes: Collection[str], names: Collection[str]) -> bool:
    """Whether one of ``scopes`` covers a resource with these ``names``, such as ``runs:run_01…`` or ``tags:vip``.

    A scope is ``read:kind:name`` for one resource, or ``read:kind`` for every resource with a name of that kind
    (``auth.createPublicToken`` of Trigger.dev's SDKs). ``read:runs`` covers runs by any of their names, and no report.
    """
    if not _EVERYTHING.isdisjoint(scopes):
        return True
    if _ALL_RUNS in scopes and all(name.partition(":")[0] != _NOT_OF_RUNS for name in names):
        return True
    return any(f"read:{name}" in scopes or f"read:{name.partition(':')[0]}" in scopes for name in names)


def may_trigger(scopes: Collection[str], action: TriggerAction, task: str) -> bool:
    """Whether one of ``scopes`` allows the task: ``trigger:tasks:<task>``, or ``trigger:tasks`` for every task."""
    return f"{action}:tasks:{task}" in scopes or f"{action}:tasks" in scopes


def may_trigger_something(scopes: Collection[str], actions: Collection[TriggerAction]) -> bool:
    """Whether one of ``scopes`` allows one of the actions for any task."""
    return any(scope.startswith(f"{action}:tasks") for scope in scopes for action in actions)


def may_write(scopes: Collection[str], names: Collection[str]) -> bool:
    """Whether one of ``scopes`` is ``write:`` and one of these ``names``, such as ``waitpoints:waitpoint_01…``."""
    return any(f"write:{name}" in scopes for name in names)


TokenAccess = Callable[[web.Request, Collection[str]], Awaitable[None]]
"""``async (request, scopes)``: raises 403 if the scopes do not cover the request."""

Resources = Callable[[web.Request], Awaitable[Collection[str]]]
"""The resources that a request concerns, by the names that scopes may cover, such as ``runs:run_01…``."""


async def any_token(_request: web.Request, _scopes: Collection[str]) -> None:
    """Opens an endpoint to any valid public token."""


def reads(resources: Resources) -> TokenAccess:
    """Opens an endpoint to tokens that may read one of the resources."""
    return _requires(may_read, resources)


def writes(resources: Resources) -> TokenAccess:
    """Opens an endpoint to tokens that may change one of the resources."""
    return _requires(may_write, resources)


def _requires(covers: Callable[[Collection[str], Collection[str]], bool], resources: Resources) -> TokenAccess:
    async def check(request: web.Request, scopes: Collection[str]) -> None:
        if not covers(scopes, await resources(request)):
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
