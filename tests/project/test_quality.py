"""The checks a change must pass besides behaving."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
SOURCES = sorted((ROOT / "agenciaos_jobs").rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("**/[a-z]*.py"))
TEMPLATES = sorted((ROOT / "agenciaos_jobs").rglob("*.html"))


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        pytest.param(["mypy"], marks=pytest.mark.slow),
        ["lint-imports"],
        pytest.param(["bandit", "-q", "-ll", "-r", "agenciaos_jobs"], marks=pytest.mark.slow),
        ["djlint", "--check", "agenciaos_jobs"],
        ["djlint", "--lint", "agenciaos_jobs"],
    ],
    ids=["ruff", "format", "mypy", "imports", "bandit", "templates-format", "templates"],
)
def test_check(command: list[str]):
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_files_and_functions_stay_small():
    long = [str(path) for path in SOURCES + TESTS if len(path.read_text().splitlines()) > 250]
    functions = [
        f"{path}:{node.lineno}"
        for path in SOURCES + TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 40
    ]
    assert not long
    assert not functions


def test_lines_of_templates_stay_short():
    long = [
        f"{path}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 160
    ]
    assert TEMPLATES
    assert not long


def test_sql_stands_in_query_files_only():
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")
    found = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(verbs)
    ]
    assert found == [], "SQL belongs in the .sql file beside its module"
