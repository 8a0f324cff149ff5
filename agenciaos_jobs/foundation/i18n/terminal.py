"""The language of programs that run in a terminal."""

import os

from agenciaos_jobs.foundation.i18n.language import Language, preferred

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language() -> Language:
    """The language of the first locale variable that is set; Portuguese if that is neither English nor Portuguese."""
    locale = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "")
    return preferred(locale.partition(".")[0].replace("_", "-"))


def t(portuguese: str, english: str) -> str:
    """The text in the terminal's language."""
    return portuguese if language() == "pt" else english
