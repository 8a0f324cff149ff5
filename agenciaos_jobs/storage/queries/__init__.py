"""Reads the named queries that stand beside it.

A file holds any number of statements, each under a line ``-- name: verb``.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAMES: dict[str, str] = {}
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(family: str) -> Mapping[str, str]:
    """The statements of ``family.sql`` by name."""
    text = files(__package__).joinpath(f"{family}.sql").read_text("utf-8")
    _, *parts = _NAME.split(text)
    queries = {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}
    _NAMES.update({sql: f"{family}.{name}" for name, sql in queries.items()})
    return queries


def name_of(sql: str) -> str:
    """The family and name of a statement that was loaded here."""
    return _NAMES.get(sql, "sql")


def families() -> list[str]:
    """The names of all query files."""
    return sorted(file.name.removesuffix(".sql") for file in files(__package__).iterdir() if file.name.endswith(".sql"))
