"""The Portuguese of the OpenAPI document's texts. The document itself has them in English only."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from agenciaos_jobs.foundation.i18n.language import Language

_DEFAULT = "Default: "
"""Precedes the default value at the end of a field's description."""


@cache
def catalogue() -> Mapping[str, str]:
    """The Portuguese of each English paragraph."""
    return tomllib.loads(files(__package__).joinpath("portuguese.toml").read_text("utf-8"))


def paragraphs(description: str) -> list[str]:
    """The paragraphs of a description, each on one line."""
    return [" ".join(part.split()) for part in description.split("\n\n") if part.strip()]


def in_language(description: str, language: Language) -> str:
    """A description, a paragraph per line. A text without Portuguese, such as one of JOBS_MODULES, stays as it is."""
    return "\n".join(_paragraph(text, language) for text in paragraphs(description))


def _paragraph(text: str, language: Language) -> str:
    if language == "en":
        return text
    written, has_default, default = text.rpartition(_DEFAULT)
    if not has_default:
        return catalogue().get(text, text)
    written = written.rstrip(". ")
    return ". ".join(filter(None, [catalogue().get(written, written), f"Padrão: {default}"]))


def of_both(text: str, language: Language) -> str:
    """One half of a text that the document has in both languages, as ``English / Português``."""
    parts = text.split(" / ")
    half = len(parts) // 2
    return " / ".join(parts[half:] if language == "pt" else parts[:half])
