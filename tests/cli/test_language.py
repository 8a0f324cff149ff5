"""The command line speaks the terminal's language, and starts in a fraction of a second."""

import json
import re
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from support.commands import cli
from support.processes import run

from agenciaos_jobs import cli as command_line
from agenciaos_jobs.cli.language import one_language

WORDS = Path(command_line.__file__).parent / "locale" / "pt" / "LC_MESSAGES" / "agenciaos_jobs.po"
LANGUAGES = [({"LANG": "pt_BR.UTF-8"}, "pt"), ({}, "pt"), ({"LANG": "C.UTF-8"}, "pt"), ({"LANG": "en_US.UTF-8"}, "en")]


@pytest.mark.parametrize(("env", "language"), [*LANGUAGES, ({"LANG": "pt_BR", "LC_ALL": "en_GB.UTF-8"}, "en")], ids=str)
async def test_help_errors_and_checks_are_in_the_language_of_the_locale(tmp_path: Path, env, language):
    env = {"LANG": ""} | env
    said = {
        "pt": ("Uso:", "Inicia um worker.", "Mostra esta ajuda.", "não existe", "✘ DATABASE_URL não definida"),
        "en": ("Usage:", "Starts a worker.", "Show this message", "No such", "✘ DATABASE_URL not set"),
    }
    mine, other = said[language], said["en" if language == "pt" else "pt"]
    outputs = [(await cli(*words, env=env, cwd=tmp_path))[1] for words in (("--help",), ("nothing",), ("check",))]
    text = "".join(outputs)
    assert all(words in text for words in mine), text
    assert not any(words in text for words in other), text


def commands(group: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, group)]
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for name in group.list_commands(context):
                found += commands(group.get_command(context, name), f"{path} {name}")
    return found


def test_every_help_text_is_in_both_languages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command_line, "localize", lambda command: command)
    for path, command in commands(command_line.cli, "agenciaos-jobs"):
        for paragraph in (command.help or "").split("\n\n"):
            is_example = "agenciaos-jobs " in paragraph or "arq agenciaos_jobs" in paragraph
            assert is_example or re.search(r"\s/\s", paragraph), (path, paragraph)
        texts = [option.help for option in command.params if isinstance(option, click.Option) and option.help]
        assert all(" / " in text for text in texts if "Show this message" not in text and "one attempt" not in text), (
            path,
            texts,
        )
    listed = {name: summary for name, (_, summary) in command_line._COMMANDS.items()}
    own = {name: group.help.partition("\n\n")[0] for name, group in _top(command_line.cli)}
    assert {name: one_language(text) for name, text in own.items()} == {
        name: one_language(text) for name, text in listed.items()
    }


def _top(group: click.Group) -> list[tuple[str, click.Command]]:
    with click.Context(group) as context:
        return [(name, group.get_command(context, name)) for name in group.list_commands(context)]


def test_the_compiled_words_of_click_are_those_of_the_source():
    with WORDS.open("rb") as source, WORDS.with_suffix(".mo").open("rb") as compiled:
        written, read = read_po(source, locale="pt"), read_mo(compiled)
    assert _words(written) == _words(read)


def _words(catalog: Catalog) -> dict[str, list[str]]:
    """Each message by its (singular) text; its translations."""
    several = lambda it: [it] if isinstance(it, str) else list(it)  # noqa: E731
    return {several(message.id)[0]: several(message.string) for message in catalog if message.id}


async def test_help_and_version_import_nothing_that_takes_long():
    loaded = "import json, sys; from agenciaos_jobs.cli import main; sys.argv = ['agenciaos-jobs', {!r}]\n"
    loaded += "try: main()\nexcept SystemExit: print(json.dumps([*sys.modules]))"
    for option in ("--version", "--help"):
        code, text = await run("python", "-c", loaded.format(option))
        modules = set(json.loads(text.splitlines()[-1]))
        slow = {"aiohttp", "asyncpg", "pydantic", "redis", "rich", "structlog", "openai"}
        assert (code, modules & slow) == (0, set())
