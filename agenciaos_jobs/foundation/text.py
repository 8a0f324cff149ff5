"""Text for people, in the two languages of this service."""

from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["pt", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in Brazilian Portuguese and in English. It may hold fields in braces, which :meth:`format` fills."""

    pt: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.pt if language == "pt" else self.en

    def format(self, **values: Any) -> "Text":
        """The text with its fields filled, as ``str.format`` does it. Raises ``KeyError`` for a field without value."""
        return Text(self.pt.format(**values), self.en.format(**values))
