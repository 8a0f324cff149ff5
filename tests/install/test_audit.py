"""The audit of installed packages fails on a vulnerability, and when it has audited nothing that it could have."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FINE = {"name": "aiohttp", "vulns": []}
VULNERABLE = {"name": "rich", "vulns": [{"id": "CVE-2026-1"}]}
OURS = {"name": "agenciaos-jobs", "skip_reason": "Dependency not found on PyPI and could not be audited"}
UNKNOWN = {"name": "aiohttp", "skip_reason": "Dependency not found on PyPI and could not be audited"}
UNREADABLE = {"name": "aiohttp", "skip_reason": "its metadata has no version"}
NOT_AUDITED = "pip-audit: NOT AUDITED, the advisories cannot be reached from here"


def audit(directory: Path, packages: list[dict[str, Any]] | None, error: str = "") -> tuple[int, str]:
    """Runs .ci/audit with a pip-audit that reports ``packages``; its exit code and the last line it prints."""
    programs = directory / ".venv" / "bin"
    programs.mkdir(parents=True)
    (directory / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "audit", directory / ".ci")
    (programs / "python").symlink_to(sys.executable)
    (directory / "report.json").write_text(json.dumps({"dependencies": packages}))
    (directory / "error.txt").write_text(error)
    report = "" if packages is None else "cp report.json .venv/audit.json\n"
    pip_audit = programs / "pip-audit"
    pip_audit.write_text(f"#!/bin/sh\n{report}cat error.txt >&2\nexit 1\n")
    pip_audit.chmod(0o755)
    done = subprocess.run(
        [str(directory / ".ci" / "audit")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


def test_it_passes_without_and_fails_with_a_vulnerability(tmp_path: Path):
    code, line = audit(tmp_path / "fine", [OURS, FINE])
    assert (code, "1 of 2 packages audited, 0 vulnerabilities" in line) == (0, True)
    code, line = audit(tmp_path / "vulnerable", [OURS, FINE, VULNERABLE])
    assert (code, "('rich', 'CVE-2026-1')" in line) == (1, True)


@pytest.mark.parametrize(
    ("packages", "error"),
    [
        ([OURS, UNKNOWN], ""),
        (None, "Traceback …\nrequests.exceptions.ProxyError: HTTPSConnectionPool: Max retries exceeded\n"),
        (None, "Traceback …\nrequests.exceptions.ConnectionError: Name or service not known\n"),
        (None, "Traceback …\npip_audit._service.interface.ServiceError\n"),
        (None, "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"),
    ],
    ids=["no advisories", "no proxy", "no network", "server error", "timeout"],
)
def test_it_says_that_the_advisories_cannot_be_reached(packages: list[Any] | None, error: str, tmp_path: Path):
    assert audit(tmp_path, packages, error) == (0, NOT_AUDITED)


@pytest.mark.parametrize(
    ("packages", "error"),
    [
        ([], ""),
        ([OURS], ""),
        ([OURS, UNREADABLE], ""),
        (None, "pip-audit: error: unrecognized arguments: --local\n"),
        (None, "ModuleNotFoundError: No module named 'requests.exceptions'\n"),
    ],
    ids=["no packages", "ours alone", "unreadable", "bad usage", "broken"],
)
def test_it_fails_where_nothing_was_audited(packages: list[Any] | None, error: str, tmp_path: Path):
    assert audit(tmp_path, packages, error) == (1, "pip-audit: FAILED, nothing was audited")
