"""``agenciaos-jobs`` as a process of its own, without the second that Python takes to import it."""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.settings import Settings
from support.processes import environment

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["agenciaos_jobs.cli", "agenciaos_jobs.server", "agenciaos_jobs.worker"])


async def cli(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path, patience: float = 60, given: str = ""
) -> tuple[int | None, str]:
    """Runs the command to its end, forked from a process that has imported it; its exit code and what it printed.

    There is nothing in its environment but ``env``, and English for its language. Its standard input is ``given``.
    """
    with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as entry:
        Path(entry.name).write_text(given)
        known = {"HOME": str(cwd), "LANG": "en_US.UTF-8", **(env or {})}
        process = _FORKING.Process(target=_run, args=(words, known, str(cwd), entry.name, output.name))
        await asyncio.to_thread(_finish, process, patience)
        return process.exitcode, output.read().decode()


def _finish(process: ForkServerProcess, patience: float) -> None:
    process.start()
    process.join(patience)
    if process.is_alive():
        process.kill()
        process.join()


def _run(words: tuple[str, ...], env: dict[str, str], cwd: str, given: str, path: str) -> None:
    os.dup2(os.open(given, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, closefd=False)
    output = os.open(path, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["agenciaos-jobs", *words]
    from agenciaos_jobs.cli import main

    main()


def english(findings: Iterable[Finding]) -> dict[str, tuple[str, str]]:
    """Findings of ``check`` by their English names: the state, and the English text."""
    shown = [(finding.state, *finding.shown("en")) for finding in findings]
    return {name: (state, text) for state, name, text in shown}


@pytest.fixture
def env(settings: Settings) -> dict[str, str]:
    return environment(settings)
