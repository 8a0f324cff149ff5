"""Scopes of public tokens."""

from collections.abc import Collection
from typing import Literal

TriggerAction = Literal["trigger", "batchTrigger"]
"""What ``auth.createTriggerPublicToken`` and ``auth.createBatchTriggerPublicToken`` of Trigger.dev's SDKs allow."""

_EVERYTHING = frozenset({"read", "read:all", "read:runs"})


def may_read(scopes: Collection[str], names: Collection[str]) -> bool:
    """Whether one of ``scopes`` covers a resource with these ``names``, such as ``runs:run_01…`` or ``tags:vip``.

    A scope is ``read:kind:name`` for one resource, or ``read:kind`` for every resource with a name of that kind
    (``auth.createPublicToken`` of Trigger.dev's SDKs).
    """
    if not _EVERYTHING.isdisjoint(scopes):
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
