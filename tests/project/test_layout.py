"""The layout: where modules stand, what they import, and the words that are not used for them."""

import ast
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "agenciaos_jobs"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MAX_MODULES = 20

GIVEN_UP = [
    "Alarm", "Again", "Caretaker", "Contract", "Faults", "Finish", "HttpProblem", "LOOK_AGAIN", "OF_NO_EFFECT",
    "OutOfTime", "RunApp", "StandBy", "SUSPECT", "Speech", "Sweeper", "Taken", "Tally", "Telling", "Tidier",
    "Timetable", "Verdict", "Watch", "Workshop", "carry_out", "happens", "let_go", "open_base", "park_rest", "put_back",
    "redecide", "stand_in", "still_mine", "take_back_lost", "unpark", "when_failed",
]  # fmt: skip
"""Names that said less than the field's own words do."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@cache
def names(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}


def test_no_folder_holds_more_modules_than_can_be_overseen():
    folders = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(folder): count for folder, count in folders.items() if count > MAX_MODULES} == {}


def test_only_one_folder_knows_arq():
    users = {path.parent for path in MODULES for name in imported(path) if name.partition(".")[0] == "arq"}
    assert users == {PACKAGE / "engine" / "arq"}


def test_jobs_are_written_with_the_public_names_or_the_engine_s_own():
    """The engine knows no job, so nothing of a wing is among its imports; import-linter holds the whole order."""
    wings = ("ai_content", "alerts", "payments", "reports", "http", "dashboard", "trigger_dev", "api", "registry")
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (PACKAGE / "engine").rglob("*.py")
        for name in imported(path)
        if name.startswith(tuple(f"agenciaos_jobs.{wing}" for wing in wings))
    ]
    assert found == []


def test_no_test_module_imports_from_another():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in TESTS
        for name in imported(path)
        if name.partition(".")[0] == "tests" or name.startswith("test_")
    ]
    assert found == []


@pytest.mark.parametrize("name", GIVEN_UP)
def test_a_name_that_was_given_up_stays_so(name: str):
    found = [str(path.relative_to(ROOT)) for path in MODULES if name in names(path)]
    assert found == []
