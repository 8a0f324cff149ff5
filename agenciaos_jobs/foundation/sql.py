"""Loads a module's named queries from the ``.sql`` file of the same name beside it.

A file holds any number of statements, each under a line ``-- name: verb``.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_ROOT = __package__.partition(".")[0]
_NAMES: dict[str, str] = {}
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(module: str) -> Mapping[str, str]:
    """The queries of ``module`` by name. The module passes its own ``__name__``."""
    package, _, family = module.rpartition(".")
    text = files(package).joinpath(f"{family}.sql").read_text("utf-8")
    _, *parts = _NAME.split(text)
    queries = {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}
    label = module.removeprefix(f"{_ROOT}.").replace(".store.", ".")
    _NAMES.update({sql: f"{label}.{name}" for name, sql in queries.items()})
    return queries


def name_of(sql: str) -> str:
    """The package, file and name of a loaded statement, such as ``engine.runs.claim``; ``sql`` for any other."""
    return _NAMES.get(sql, "sql")
