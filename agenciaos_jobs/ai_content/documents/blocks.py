"""The blocks of a generated content: each of its texts with a label, and with what the agent's limits leave of it.

Made from the agent's schema where it has one for a value, and from the value alone otherwise, so that no part of a
content is missing: values derived from the answer, fields of a former version of the agent, unknown agents.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.limits import first_line, total_length
from agenciaos_jobs.engine.model.job import Json

Path = tuple[str | int, ...]

_MEASURES: dict[str, Callable[[Any], int]] = {
    "maxLength": len,
    "maxBytes": lambda text: len(text.encode()),
    "maxFirstLine": lambda text: len(first_line(text)),
    "maxTotalLength": total_length,
}
"""What a limit of the schema counts."""

_LONGEST_WORD = 60


@dataclass(frozen=True)
class Count:
    """How much of a limit is used. ``rule`` is the limit's keyword in the schema, ``least`` its lower bound or 0."""

    rule: str
    used: int
    limit: int
    least: int = 0

    @property
    def is_broken(self) -> bool:
        return not self.least <= self.used <= self.limit


@dataclass(frozen=True)
class Block:
    """A value of a content under its label, or a group of blocks.

    ``is_written``: a text that the model writes freely, and so can write again. ``is_row``: a group of words without
    spaces, such as hashtags, which belong on one line.
    """

    path: Path
    label: str
    value: Any = None
    parts: tuple["Block", ...] | None = None
    counts: tuple[Count, ...] = ()
    is_written: bool = False
    is_row: bool = False

    @property
    def texts(self) -> list[str]:
        """The texts in it, in order."""
        if self.parts is None:
            return [self.value] if isinstance(self.value, str) else []
        return [text for part in self.parts for text in part.texts]

    @property
    def separator(self) -> str:
        """What stands between the texts of a row."""
        return " " if all(text.startswith("#") for text in self.texts) else ", "


def blocks(agent: Agent | None, data: Json) -> tuple[Block, ...]:
    """The blocks of ``data``, in the order of the agent's schema; what is not in the schema comes last.

    What only repeats texts of others, for callers of a former version of the agent, is left out.
    """
    schema = agent.output if agent else {}
    found = _parts(schema, data, ())
    known = schema.get("properties", {})
    shown = {paragraph for block in found if block.path[0] in known for paragraph in _paragraphs(block)}
    return tuple(block for block in found if block.path[0] in known or not _repeats(block, shown))


def _paragraphs(block: Block) -> list[str]:
    return [paragraph for text in block.texts for paragraph in text.split("\n\n")]


def _repeats(block: Block, shown: set[str]) -> bool:
    paragraphs = _paragraphs(block)
    return bool(paragraphs) and shown.issuperset(paragraphs)


def _parts(schema: Json, value: Json, path: Path) -> tuple[Block, ...]:
    known = schema.get("properties", {})
    names = [*(name for name in known if name in value), *(name for name in value if name not in known)]
    return tuple(_block(known.get(name, {}), value[name], (*path, name), _label(known, name)) for name in names)


def _label(known: Json, name: str) -> str:
    """A field's description up to its first comma, or its name."""
    description = str(known.get(name, {}).get("description", ""))
    short = description
    for mark in (",", ";", ":", " ("):
        short = short.partition(mark)[0]
    return short.strip() or name


def _block(schema: Json, value: Any, path: Path, label: str) -> Block:
    counts = tuple(_counts(schema, value))
    if isinstance(value, dict):
        return Block(path, label, parts=_parts(schema, value, path), counts=counts)
    if isinstance(value, list):
        inner = schema.get("items", {})
        parts = tuple(_block(inner, item, (*path, number), str(number + 1)) for number, item in enumerate(value))
        is_row = "pattern" in inner and inner.get("maxLength", 0) <= _LONGEST_WORD
        return Block(path, label, parts=parts, counts=counts, is_row=is_row)
    is_written = isinstance(value, str) and schema.get("type") == "string" and "enum" not in schema
    return Block(path, label, value, counts=counts, is_written=is_written)


def _counts(schema: Json, value: Any) -> Iterator[Count]:
    kind = list if isinstance(value, list) else str
    for rule, measure in _MEASURES.items():
        if rule in schema and isinstance(value, kind):
            least = schema.get("minLength", 0) if rule == "maxLength" else 0
            yield Count(rule, measure(value), schema[rule], least)
