"""What the package imports is what installing it brings, and the lock files hold what pyproject.toml asks for."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLAIN = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
REQUIRED = {canonicalize_name(requirement.name) for requirement in PLAIN}
SOURCES = [path for path in (ROOT / "agenciaos_jobs").rglob("*.py") if path.parent.name != "dev"]
IMPORTED_LAZILY = {"opentelemetry"}
"""What an extra brings, and is imported only where a setting asks for it."""
PART_OF = {"pydantic_core": "pydantic"}
"""What another package pins, and names in its own documentation."""


def imported(path: Path) -> Iterator[str]:
    """The top-level name of each package that a module imports, at its top or lazily."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_what_is_imported_outside_dev_is_a_plain_dependency():
    names = {name for path in SOURCES for name in imported(path)}
    names -= sys.stdlib_module_names | IMPORTED_LAZILY | {"agenciaos_jobs"}
    providers = packages_distributions()
    undeclared = {name for name in names if not REQUIRED & {canonicalize_name(found) for found in providers[name]}}
    assert {PART_OF.get(name, name) for name in undeclared} - REQUIRED == set()


def test_dev_is_imported_lazily_alone():
    """An extra brings what it imports."""
    found = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "agenciaos_jobs.dev" in ast.unparse(node)
    ]
    assert found == []


def locked(name: str) -> dict[str, Requirement]:
    """A lock file's lines by package, without the hashes."""
    lines = (ROOT / name).read_text().replace("\\\n", "").splitlines()
    found = [Requirement(line.partition("--hash")[0]) for line in lines if not line.startswith("#")]
    assert len({requirement.name for requirement in found}) == len(found)
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def admits(requirement: Requirement, pin: Requirement) -> bool:
    return all(requirement.specifier.contains(exact.version, prereleases=True) for exact in pin.specifier)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("requirements.lock", PLAIN), ("constraints.txt", PLAIN + EXTRAS)],
    ids=["requirements.lock", "constraints.txt"],
)
def test_the_lock_holds_what_the_project_asks_for(name: str, wanted: list[Requirement]):
    pins = locked(name)
    faults = []
    for requirement in wanted:
        pin = pins.get(canonicalize_name(requirement.name))
        if requirement.name != PROJECT["name"] and not (pin and admits(requirement, pin)):
            faults.append(f"{requirement} is locked as {pin}")
    assert faults == [], "run .ci/lock"


def test_both_locks_hold_the_same_releases_and_deploys_check_their_hashes():
    deployed, constraints = locked("requirements.lock"), locked("constraints.txt")
    assert {name: pin.specifier for name, pin in deployed.items()} == {
        name: constraints[name].specifier for name in deployed
    }
    lines = (ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines()
    assert [line for line in lines if not line.startswith("#") and "--hash=sha256:" not in line] == []


def test_platforms_install_the_source_at_the_locked_versions():
    text = (ROOT / "requirements.txt").read_text()
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["-c constraints.txt", "."]
