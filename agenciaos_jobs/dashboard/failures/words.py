"""What is written about a failure."""

from dataclasses import dataclass

from agenciaos_jobs.foundation.i18n.text import Text


@dataclass(frozen=True)
class FailureWords:
    """What happened, and what to do about it."""

    what: Text
    advice: Text


def words(pt: str, en: str, advice_pt: str, advice_en: str) -> FailureWords:
    return FailureWords(Text(pt, en), Text(advice_pt, advice_en))
