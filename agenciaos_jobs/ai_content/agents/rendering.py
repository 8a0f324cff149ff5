"""What is made from an answer without a model: Markdown for the page, and values that follow from others.

Templates and expressions are Jinja's (https://jinja.palletsprojects.com), in the agent's file, in a sandbox.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agenciaos_jobs.engine.model.job import Json

UNRENDERABLE = (TemplateError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""The errors of a template that renders an answer with a missing value, or one of another type."""

_CODE = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")


def render(template: str, data: Json) -> str:
    """The Markdown of an answer, without runs of empty lines. Equal answers give equal Markdown."""
    return tidied(_template(template).render(data)) + "\n"


def render_available(template: str, data: Json) -> str:
    """What an answer gives up to the first value that it lacks, not yet :func:`tidied`."""
    pieces: list[str] = []
    with suppress(*UNRENDERABLE):
        pieces.extend(_template(template).generate(data))
    return "".join(pieces)


def tidied(markdown: str) -> str:
    """The Markdown without runs of empty lines, and without space around it."""
    return re.sub(r"\n{3,}", "\n\n", markdown).strip()


def names_in(template: str) -> list[str]:
    """The names in a template's code, each once, in the order in which they come."""
    code = " ".join(_CODE.findall(template))
    return list(dict.fromkeys(_NAME.findall(code)))


def evaluate(expression: str, data: Json) -> Any:
    """The value of an expression over an answer."""
    return _expression(expression)(data)


def _bullets(items: Iterable[Any]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _numbered(items: Iterable[Any]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def _section_bodies(sections: Iterable[Mapping[str, Any]]) -> list[Json]:
    """An article's sections as heading and body, with what is below a section inside of its body."""
    return [{"heading": section["heading"], "body": "\n\n".join(_paragraphs(section))} for section in sections]


def _paragraphs(section: Mapping[str, Any]) -> Iterator[str]:
    yield section["content"]
    for part in section["subSections"]:
        yield from (part["heading"], part["content"])


def _with_length(items: Iterable[Mapping[str, Any]], name: str) -> list[Json]:
    """Each item with the number of characters of one of its texts, which models count badly."""
    return [{**item, "length": len(item[name])} for item in items]


def _density(text: Any, keyword: Any) -> str:
    """How much of a text is its keyword, as the words of all its occurrences over all words: ``1,8%``."""
    words, wanted = (re.findall(r"\w+", str(value or "").casefold()) for value in (text, keyword))
    if not words or not wanted:
        return "0,0%"
    starts = range(len(words) - len(wanted) + 1)
    found = sum(words[start : start + len(wanted)] == wanted for start in starts)
    return f"{found * len(wanted) / len(words):.1%}".replace(".", ",")


def _faq_page(items: Iterable[Mapping[str, Any]]) -> str:
    """The questions as JSON-LD for search engines (https://schema.org/FAQPage)."""
    entities = [
        {"@type": "Question", "name": item["question"], "acceptedAnswer": {"@type": "Answer", "text": item["answer"]}}
        for item in items
    ]
    page = {"@context": "https://schema.org", "@type": "FAQPage", "mainEntity": entities}
    return json.dumps(page, ensure_ascii=False, indent=2)


def _how_to(steps: Mapping[str, Any]) -> str:
    """Numbered steps as JSON-LD for search engines (https://schema.org/HowTo)."""
    entities = [{"@type": "HowToStep", "text": item} for item in steps["items"]]
    page = {"@context": "https://schema.org", "@type": "HowTo", "name": steps["title"], "step": entities}
    return json.dumps(page, ensure_ascii=False, indent=2)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters |= {
        "bullets": _bullets,
        "numbered": _numbered,
        "section_bodies": _section_bodies,
        "with_length": _with_length,
        "density": _density,
        "faq_page": _faq_page,
        "how_to": _how_to,
    }
    return environment


_ENVIRONMENT = _environment()


@cache
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


@cache
def _expression(source: str) -> TemplateExpression:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
