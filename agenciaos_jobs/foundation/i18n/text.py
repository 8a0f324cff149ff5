"""User-facing text in both languages."""

from dataclasses import dataclass

from agenciaos_jobs.foundation.i18n.language import Language


@dataclass(frozen=True, slots=True)
class Text:
    """A text in Brazilian Portuguese and English. ``str()`` gives both, for readers of unknown language."""

    pt: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.pt if language == "pt" else self.en

    def format(self, **values: object) -> "Text":
        """Formats both languages like :meth:`str.format`; a ``Text`` among the values is inserted in each language."""
        return Text(self.pt.format(**_values("pt", values)), self.en.format(**_values("en", values)))

    def __str__(self) -> str:
        return f"{self.pt} / {self.en}"


def _values(language: Language, values: dict[str, object]) -> dict[str, object]:
    return {name: value.in_language(language) if isinstance(value, Text) else value for name, value in values.items()}
