"""The help of commands, in the terminal's language.

A help text holds both languages, paragraph by paragraph: ``Inicia um job / Starts a job.``
"""

import gettext
import os
import re
from inspect import cleandoc
from pathlib import Path

import click

from agenciaos_jobs.foundation.i18n.terminal import language, t

_BETWEEN_LANGUAGES = re.compile(r"\s/\s")
_CLICK_WORDS = "agenciaos_jobs"
"""The gettext domain of Click's own words."""


def one_language(text: str) -> str:
    """A help text in the terminal's language. A paragraph that is not in both, such as an example, stays."""
    return "\n\n".join(_chosen(paragraph) for paragraph in cleandoc(text).split("\n\n"))


def _chosen(paragraph: str) -> str:
    portuguese, *rest = _BETWEEN_LANGUAGES.split(paragraph, maxsplit=1)
    if not rest:
        return paragraph
    english = rest[0]
    is_sentence = english.endswith(".") and portuguese[-1:] not in ".:!?"
    return t(f"{portuguese}." if is_sentence else portuguese, english)


def localize(command: click.Command) -> click.Command:
    """Leaves one language in the help of a command, its options and its subcommands."""
    if command.help:
        command.help = one_language(command.help)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = one_language(parameter.help)
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            localize(subcommand)
    return command


def localize_click() -> None:
    """Has Click's own words, such as "Usage", in the same language."""
    os.environ["LANGUAGE"] = language()  # which gettext prefers to the variables of a locale
    gettext.bindtextdomain(_CLICK_WORDS, Path(__file__).parent / "locale")
    gettext.textdomain(_CLICK_WORDS)
