"""Scripts for Node that drive the running service through Trigger.dev's own SDK."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.service import Service

SCRIPTS = Path(__file__).parent.parent / "node"
SDK_LINES = ("sdk3", "sdk4")


def _missing() -> str | None:
    if not shutil.which("node"):
        return "Node is not installed"
    if any(not (SCRIPTS / "node_modules" / line).is_dir() for line in SDK_LINES):
        return "the SDKs are not installed: npm ci --prefix tests/node"
    return None


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
