"""Errors with a user-facing explanation, for HTTP, pages and the command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from agenciaos_jobs.foundation.i18n.language import Language, field_message
from agenciaos_jobs.foundation.i18n.text import Text

EMPTY: Mapping[str, Any] = MappingProxyType({})


class DomainError(Exception):
    """A request that can't be fulfilled. A subclass sets ``status``, the HTTP status, and ``text``, the reason.

    ``about`` is the subject, such as an id: for logs and the command line, not for HTTP. ``fields`` are the invalid
    fields of the input. ``headers`` are added to the HTTP response and ``extra`` to its body.
    """

    status: int
    text: Text
    headers: Mapping[str, str] = EMPTY

    def __init__(
        self, about: object = "", *, fields: Iterable["WrongField"] = (), extra: Mapping[str, Any] = EMPTY
    ) -> None:
        super().__init__(about)
        self.about, self.fields, self.extra = str(about), tuple(fields), extra

    def __str__(self) -> str:
        return f"{self.text.en}: {self.about}" if self.about else self.text.en


@dataclass(frozen=True, slots=True)
class WrongField:
    """An invalid field of the input. ``code`` names the error and ``english`` is its message.

    ``context`` holds the values for the Portuguese message.
    """

    place: tuple[str | int, ...]
    code: str
    english: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def message(self, language: Language) -> str:
        return field_message(self.code, self.english, self.context, language)


class InvalidFieldsError(DomainError):
    """The input has invalid fields."""

    status = 422
    text = Text("Há campos inválidos na requisição", "The request has invalid fields")
