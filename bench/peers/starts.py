"""When jobs started: each adds a line to the file named in ``STARTS``, whatever system it is a job of."""

import asyncio
import os
from pathlib import Path

_FILE = os.environ.get("STARTS")
_LINE = 36
"""Bytes in a line: two times in seconds with six decimals, so that the file's size is the number of jobs."""
_INTERVAL = 0.01
"""How long lines are buffered, in seconds: a write for each job would be a part of what is measured."""
_buffer: list[tuple[float, float]] = []


def record(started_at: float, sent_at: float) -> None:
    """Called at the end of a job. Does nothing without ``STARTS``."""
    if not _FILE:
        return
    if not _buffer:
        asyncio.get_running_loop().call_later(_INTERVAL, _write)
    _buffer.append((started_at, sent_at))


def _write() -> None:
    assert _FILE
    with Path(_FILE).open("a") as file:
        file.writelines(f"{started_at:017.6f} {sent_at:017.6f}\n" for started_at, sent_at in _buffer)
    _buffer.clear()


def count(path: Path) -> int:
    return path.stat().st_size // _LINE


def read(path: Path) -> list[tuple[float, float]]:
    """When each job started, and when it was sent."""
    return [(float(started), float(sent)) for started, sent in map(str.split, path.read_text().splitlines())]
