"""A small language detector: enough to notice an answer that is not in Portuguese."""

import re

_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH = 5
"""Function words of another language that it takes. A title with two English words is still Portuguese."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PORTUGUESE = _words(
    """não você vocês com uma um que do da dos das no na nos nas em é são seu sua seus suas o os ao aos à às mais isso
    até já também ou e por pelo pela para como quem quando mas nem só seja está ser ter faz"""
)
_OTHERS = {
    "inglês": _words(
        """the and of to is for with your you that are this on it in our we from can not have will be at by an or if
        when how what more"""
    ),
    "espanhol": _words(
        """el los las del y en con es su sus más pero lo una un que por para como muy también hay está si cuando tu
        este esta nuestro nuestra sin al"""
    ),
}


def other_language(text: str) -> str | None:
    """The language of a text that is clearly not Portuguese, by its function words; ``None`` where it may be."""
    words = [word.lower() for word in _WORD.findall(text)]
    portuguese = sum(word in _PORTUGUESE for word in words)
    counts = {language: sum(word in known for word in words) for language, known in _OTHERS.items()}
    language = max(counts, key=lambda name: counts[name])
    return language if counts[language] >= _ENOUGH and counts[language] > portuguese else None
