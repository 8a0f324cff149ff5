"""Scripts for Node that drive the running service through Trigger.dev's own SDK, whose packages npm installs once."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.service import Service

SCRIPTS = Path(__file__).parent.parent / "node"
SDK_LINES = ("sdk3", "sdk4")
_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")


def _missing() -> str | None:
    if not shutil.which("node"):
        return "Node is not installed"
    with (SCRIPTS / "package.json").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not _has_packages() and (npm := shutil.which("npm")):
            subprocess.run([npm, "ci", *_QUIETLY], cwd=SCRIPTS, capture_output=True, timeout=300, check=False)
    return None if _has_packages() else "the SDKs are not installed: npm ci --prefix tests/node"


def _has_packages() -> bool:
    """npm writes this file when it is done."""
    return (SCRIPTS / "node_modules" / ".package-lock.json").is_file()


MISSING = _missing()
needs_node = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


async def run_node(service: Service, script: str, *arguments: str, patience: float = 60, **environment: str) -> Any:
    """Runs ``tests/node/{script}`` against the service, to its end; returns what it prints, read as JSON.

    Scripts that use the SDK take its line, ``sdk3`` or ``sdk4``, as their first argument.
    """
    assert service.settings.trigger_secret_key
    process = await asyncio.create_subprocess_exec(
        shutil.which("node") or "node",
        script,
        *arguments,
        cwd=SCRIPTS,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TRIGGER_API_URL": service.url,
            "TRIGGER_SECRET_KEY": service.settings.trigger_secret_key.get_secret_value(),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, complaints = await asyncio.wait_for(process.communicate(), patience)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{script} ended with {process.returncode}:\n{complaints.decode()[-4000:]}"
    return json.loads(printed)
