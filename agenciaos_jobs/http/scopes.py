"""Scopes of public tokens."""

from collections.abc import Collection

_EVERYTHING = frozenset({"read", "read:all", "read:runs"})


def may_read(scopes: Collection[str], names: Collection[str]) -> bool:
    """Whether one of ``scopes`` covers a resource with these ``names``, such as ``runs:run_01…`` or ``tags:vip``.

    A scope is ``read:kind:name`` for one resource, or ``read:kind`` for every resource with a name of that kind
    (``auth.createPublicToken`` of Trigger.dev's SDKs).
    """
    if not _EVERYTHING.isdisjoint(scopes):
        return True
    return any(f"read:{name}" in scopes or f"read:{name.partition(':')[0]}" in scopes for name in names)
