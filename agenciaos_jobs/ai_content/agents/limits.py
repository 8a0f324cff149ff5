"""Limits of an agent's output: as instructions for the model, and as checks of its answer.

Each is a keyword of the agent's schema. Those of JSON Schema keep their meaning
(https://json-schema.org/draft/2020-12/json-schema-validation); the others are ours, and OpenAI never sees them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from agenciaos_jobs.engine.model.job import Json

_MARKDOWN = re.compile(r"^ {0,3}#{1,6} |\*\*\S|__\S|`|\[[^\]\n]+\]\(|^ {0,3}>\s|^\|.*\|$", re.MULTILINE)
_LINK = re.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|net|org|br|io|app|me|ly|shop|store)\b", re.IGNORECASE)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def total_length(items: Sequence[Any]) -> int:
    """The length of a list of words as YouTube counts it: with commas between, and quotes around those with spaces.

    https://developers.google.com/youtube/v3/docs/videos#snippet.tags[]
    """
    words = [str(item) for item in items]
    return sum(len(word) + (2 if " " in word else 0) for word in words) + max(0, len(words) - 1)


def first_line(text: str) -> str:
    """What is read before "more" is tapped."""
    return text.strip().partition("\n")[0]


def has_markdown(text: str) -> bool:
    """Whether a text has Markdown that would be read as it is written. WhatsApp's ``*bold*`` and lists are none."""
    return bool(_MARKDOWN.search(text))


def has_link(text: str) -> bool:
    return bool(_LINK.search(text))


def repeated(items: Sequence[Any]) -> int | None:
    """The position of the first item that differs from an earlier one in case, accents and punctuation at most."""
    seen = set()
    for number, item in enumerate(items):
        plain = unicodedata.normalize("NFKD", str(item)).casefold()
        folded = "".join(character for character in plain if character.isalnum())
        if folded in seen:
            return number
        seen.add(folded)
    return None


_DESCRIPTIONS: dict[str, Callable[[Any], str]] = {
    "minLength": lambda limit: f"ao menos {_number(limit)} caracteres",
    "maxLength": lambda limit: f"até {_number(limit)} caracteres com espaços",
    "maxBytes": lambda limit: f"até {_number(limit)} bytes em UTF-8, em que letra acentuada conta 2 e emoji 4",
    "maxFirstLine": lambda limit: f"primeira linha com até {_number(limit)} caracteres",
    "maxTotalLength": lambda limit: f"até {_number(limit)} caracteres somados, com as vírgulas",
    "plainText": lambda _: "texto simples, sem Markdown",
    "noLinks": lambda _: "sem links",
    "distinctItems": lambda _: "itens diferentes entre si",
    "differsFrom": lambda _: "diferente do texto atual e dos outros da lista",
    "mayBeBlank": lambda _: "pode ficar vazio",
}

_BROKEN: dict[str, Callable[[Any, Any], str]] = {
    "minLength": lambda value, limit: f"tem {len(value)} caracteres, o mínimo é {limit}",
    "maxLength": lambda value, limit: f"tem {len(value)} caracteres, o máximo é {limit}",
    "maxBytes": lambda value, limit: f"tem {len(value.encode())} bytes em UTF-8, o máximo é {limit}",
    "maxFirstLine": lambda value, limit: (
        f"tem {len(first_line(value))} caracteres na primeira linha, o máximo é {limit}"
    ),
    "maxTotalLength": lambda value, limit: f"tem {total_length(value)} caracteres somados, o máximo é {limit}",
    "minItems": lambda value, limit: f"tem {len(value)} itens, o mínimo é {limit}",
    "maxItems": lambda value, limit: f"tem {len(value)} itens, o máximo é {limit}",
    "minimum": lambda value, limit: f"é {value}, o mínimo é {limit}",
    "maximum": lambda value, limit: f"é {value}, o máximo é {limit}",
    "pattern": lambda _, limit: f"não segue o padrão {limit}",
    "enum": lambda _, limit: f"não é um destes: {', '.join(map(str, limit))}",
    "notBlank": lambda _, __: "está vazio",
    "plainText": lambda _, __: "tem Markdown; escreva texto simples",
    "noLinks": lambda _, __: "tem um link; retire-o",
    "differsFrom": lambda _, __: "repete um texto que já existe",
    "distinctItems": lambda value, _: f"repete um item anterior no de número {(repeated(value) or 0) + 1}",
}

OURS = {
    *("maxBytes", "maxFirstLine", "maxTotalLength", "plainText", "noLinks"),
    *("distinctItems", "differsFrom", "notBlank", "mayBeBlank"),
}
"""The keywords that JSON Schema does not have."""

UNSUPPORTED_BY_OPENAI = OURS | {"minLength", "maxLength"}
"""The keywords that OpenAI's strict mode does not take; the field's description has them in words."""


def described(schema: Json) -> list[str]:
    """The limits of one field, in words for the model."""
    return [*_items(schema), *(words(schema[name]) for name, words in _DESCRIPTIONS.items() if schema.get(name))]


def _items(schema: Json) -> Iterator[str]:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        yield "exatamente 1 item" if most == 1 else f"exatamente {most} itens"
    elif least and most:
        yield f"de {least} a {most} itens"
    elif most:
        yield f"até {most} itens"
    elif least:
        yield f"ao menos {least} itens"


class Fault(NamedTuple):
    """One fault of an answer: where it is, the keyword of the schema that it breaks, and words for the model."""

    path: tuple[str | int, ...]
    rule: str
    words: str


def fault(path: Iterable[str | int], rule: str, text: str) -> Fault:
    """A fault, described from its path on."""
    known = tuple(path)
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in known).lstrip(".")
    return Fault(known, rule, f"{where or 'resposta'}: {text}")


def fault_of(error: ValidationError) -> Fault:
    """What is wrong and where, in words that a model can act on."""
    words = _BROKEN.get(str(error.validator))
    text = words(error.instance, error.validator_value) if words else str(error.message)[:200]
    return fault(error.absolute_path, str(error.validator), text)


_Check = Callable[[Any, Any, Any, Json], Iterator[ValidationError]]


def _rule(kind: type, is_broken: Callable[[Any, Any], bool]) -> _Check:
    """A keyword's check for values of one type."""

    def check(_: Any, limit: Any, value: Any, __: Json) -> Iterator[ValidationError]:
        if limit and isinstance(value, kind) and is_broken(value, limit):
            yield ValidationError("broken")

    return check


Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "maxBytes": _rule(str, lambda value, limit: len(value.encode()) > limit),
        "maxFirstLine": _rule(str, lambda value, limit: len(first_line(value)) > limit),
        "maxTotalLength": _rule(list, lambda value, limit: total_length(value) > limit),
        "plainText": _rule(str, lambda value, _: has_markdown(value)),
        "noLinks": _rule(str, lambda value, _: has_link(value)),
        "differsFrom": _rule(str, lambda value, taken: any(repeated([text, value]) for text in taken)),
        "distinctItems": _rule(list, lambda value, _: repeated(value) is not None),
        "notBlank": _rule(str, lambda value, _: not value.strip()),
    },
)
"""JSON Schema's validator, with our keywords."""
