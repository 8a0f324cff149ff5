"""Masks secrets in logs and stored data."""

import re
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from types import NoneType
from typing import Any

from agenciaos_jobs.foundation.storable import MAX_DEPTH, text_of

MASK = "[redacted]"
_SECRET_NAME = re.compile(r"token$|password|senha|secret|authorization|api_?key|cookie|credential|dsn$", re.IGNORECASE)

_PLAIN = {str, int, float, bool, NoneType}


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


@lru_cache(maxsize=1024)
def _has_secret_name(names: tuple[str, ...]) -> bool:
    return any(_is_secret(name) for name in names)


class Redactor:
    """Masks known secret values anywhere, and any value under the name of a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def event(self, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The masked fields of a log line. A quick check of the joined values skips lines without secrets."""
        values = event.values()
        if _PLAIN.issuperset(map(type, values)) and not _has_secret_name(tuple(event)):
            combined = "\n".join([value for value in values if type(value) is str])
            for secret in self._secrets:
                if secret in combined:
                    break
            else:
                return event
        return {name: self.value(value, name) for name, value in event.items()}

    def value(self, value: Any, name: str = "") -> Any:
        """``value`` with secrets masked. What is nested deeper than JSON may be, or in itself, becomes ``"…"``."""
        return self._value(value, name, ())

    def _value(self, value: Any, name: str, outer: tuple[int, ...]) -> Any:
        """``outer`` are the identities of the values that ``value`` is nested in."""
        if name and _is_secret(name) and value is not None:
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list | tuple):
            return value
        if len(outer) > MAX_DEPTH or id(value) in outer:
            return "…"
        outer = (*outer, id(value))
        if isinstance(value, dict):
            return {key: self._value(item, text_of(key), outer) for key, item in value.items()}
        return [self._value(item, "", outer) for item in value]

    def restore(self, edited: Any, original: Any, name: str = "") -> Any:
        """``edited``, an edited :meth:`value` of ``original``, with the values that are still masked restored."""
        if edited == self.value(original, name):
            return original
        if isinstance(edited, dict) and isinstance(original, dict):
            return {key: self.restore(item, original.get(key), str(key)) for key, item in edited.items()}
        if isinstance(edited, list) and isinstance(original, list):
            originals = [*original, *[None] * len(edited)]
            return [self.restore(item, before) for item, before in zip(edited, originals, strict=False)]
        return edited
