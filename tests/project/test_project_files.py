"""The files that set up a contributor's editor, checks and container can be read, and name what exists."""

import configparser
import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TEST_COMMAND = next(line for line in README.splitlines() if ".venv/bin/pytest" in line)


def test_the_test_recipe_is_the_readme_s_command_word_for_word():
    recipe = re.search(r"^test:\n((?:    .+\n)+)", (ROOT / "justfile").read_text(), re.MULTILINE)
    assert recipe
    assert recipe[1].strip() == TEST_COMMAND


def test_ci_runs_the_readme_s_command():
    assert 'command=$(grep -m1 -F ".venv/bin/pytest" README.md)' in (ROOT / ".ci" / "run").read_text()


def test_every_hook_runs_a_local_tool_that_the_tests_run_too():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].removeprefix(".venv/bin/") for hook in hooks} == {
        "ruff check", "ruff format", "mypy", "lint-imports", "djlint --check", "djlint --lint",
    }  # fmt: skip


def test_the_hooks_of_the_templates_and_of_the_package_match_files():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "agenciaos_jobs").rglob("*") if path.is_file()]
    for hook in config["repos"][0]["hooks"]:
        if "files" in hook:
            assert any(re.search(hook["files"], name) for name in files), hook["id"]


def test_the_editor_s_width_is_the_formatter_s():
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    assert parser["top"]["root"] == "true"
    assert f"line-length = {parser['*.py']['max_line_length']}\n" in (ROOT / "pyproject.toml").read_text()
    assert f"max_line_length = {parser['*.html']['max_line_length']}\n" in (ROOT / "pyproject.toml").read_text()


def test_the_devcontainer_installs_what_the_readme_installs():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["image"] == "mcr.microsoft.com/devcontainers/python:3.12"
    assert TEST_COMMAND.startswith(container["postCreateCommand"] + " && ")
