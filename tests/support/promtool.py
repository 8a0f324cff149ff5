"""Prometheus's own checker."""

import asyncio
import shutil

import pytest


async def promtool(*words: str, given: bytes = b"") -> str:
    """What promtool has to say; nothing, where all is well."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (Debian: prometheus)")
    process = await asyncio.create_subprocess_exec(
        "promtool",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(given)
    assert process.returncode == 0, said.decode()
    return said.decode()
