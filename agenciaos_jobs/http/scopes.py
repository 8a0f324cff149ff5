"""What a public token's scopes let its bearer read."""

from collections.abc import Collection

_EVERYTHING = frozenset({"read", "read:all", "read:runs"})


def may_read(scopes: Collection[str], names: Collection[str]) -> bool:
    """Whether one of ``scopes`` covers a thing that answers to ``names``, such as ``runs:run_01…`` or ``tags:vip``.

    A scope is ``read:kind:name`` for one thing, or ``read:kind`` for all that answer to a name of that kind
    (``auth.createPublicToken`` of Trigger.dev's SDKs).
    """
    if not _EVERYTHING.isdisjoint(scopes):
        return True
    return any(f"read:{name}" in scopes or f"read:{name.partition(':')[0]}" in scopes for name in names)
