"""What docs/logs.md promises of log lines, and what the code logs."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
SPREAD = {"fields": {"duration", "error_type", "error_code"}}
"""What a call's ``**name`` stands for."""


@dataclass
class Event:
    """An event's levels and its fields."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def common_fields() -> set[str]:
    """The fields that the table of fields describes, whatever the event."""
    return {name for row in _rows("## Fields") for name in re.findall(r"`(\w+)`", row[0])}


def documented() -> dict[str, Event]:
    """The table of events."""
    return {
        name: Event(set(re.findall(r"\w+", row[1])), set(re.findall(r"`(\w+)`", row[3])))
        for row in _rows("## Events")
        for name in re.findall(r"`(\w+)`", row[0])
    }


def logged() -> dict[str, Event]:
    """Every event that the program logs, by the calls in its source; a name must be a literal, to be found there."""
    found: dict[str, Event] = defaultdict(Event)
    for path in (ROOT / "agenciaos_jobs").rglob("*.py"):
        for call in _calls(ast.parse(path.read_text())):
            name = call.args[0]
            assert isinstance(name, ast.Constant), f"{path}: {ast.unparse(call)} has no literal name"
            level = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            found[name.value].levels |= {LEVELS[level]} if level else {"debug", "info"}
            for keyword in call.keywords:
                found[name.value].fields |= {keyword.arg} if keyword.arg else SPREAD[ast.unparse(keyword.value)]
            if level == "exception":
                found[name.value].fields.add("exc_info")
    for event in found.values():
        if "exc_info" in event.fields:
            event.fields = event.fields - {"exc_info"} | {"exception"}
    return dict(found)


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (_is_log(node.func) or ast.unparse(node.func) == "log_request"):
            yield node


def _is_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and ast.unparse(function.value).rpartition(".")[2] == "log"
    )


def _rows(heading: str) -> Iterator[list[str]]:
    text = (ROOT / "docs" / "logs.md").read_text().split(heading + "\n")[1].split("\n## ")[0]
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
