"""Where tests keep their databases, and places that take no more."""

import os
import shutil
from contextlib import suppress
from pathlib import Path


def in_memory() -> Path | None:
    """A directory in memory, where there is room: the many files of a new database take 20 ms there, on a disk 500."""
    directory = Path("/dev/shm")
    has_room = os.access(directory, os.W_OK) and shutil.disk_usage(directory).free > 3 * 1024**3
    return directory if has_room else None


def filled_pipe() -> tuple[int, int]:
    """A pipe to which a write would block: its ends to read from and to write to."""
    reading, writing = os.pipe()
    fill(writing)
    return reading, writing


def fill(writing: int) -> None:
    """Fills a pipe with empty lines."""
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n" * 4096)
    os.set_blocking(writing, True)
