"""Standard output that never blocks the process."""

import asyncio
import os
import select
import stat
import sys
import threading
from contextlib import suppress
from typing import TextIO

import structlog

from agenciaos_jobs.foundation.storable import storable

log = structlog.get_logger("agenciaos_jobs.logs")

MAX_KEPT = 1_000_000
"""Bytes that are kept for a pipe that takes no more."""

_CHUNK = select.PIPE_BUF
"""Bytes that a pipe which can be written to takes without blocking (pipe(7))."""

_RETRY = 0.1
_LAST_WAIT = 1_000
"""Milliseconds that the process waits at its end, each time that nothing more is taken."""


class Output:
    """Standard output as a stream for log lines.

    A plain write to a pipe or socket blocks the process while the buffer is full because its reader has stalled. Here
    what does not fit is kept, up to :data:`MAX_KEPT`, and written later. Lines beyond that are lost and counted by
    ``log_lines_lost``. Lines for a file that cannot be written, such as one on a full disk, are lost at once.
    """

    def __init__(self) -> None:
        self._kept, self._lost = bytearray(), 0
        self._stream: TextIO | None = None
        self._room: select.poll | None = None
        self._scheduled_on: asyncio.AbstractEventLoop | None = None
        self._lock = threading.RLock()

    def write(self, text: str) -> None:
        with self._lock, suppress(OSError):
            stream = sys.stdout
            if stream is not self._stream:
                self._stream, self._room = stream, _room_of(stream)
            if self._room is None:
                _write_all(stream, text)
            elif len(self._kept) < MAX_KEPT:
                self._kept += _encoded(stream, text)
                self._drain()
            else:
                self._lost += text.count("\n")
                self._drain()

    def flush(self) -> None:
        """Nothing: what can be written has been."""

    def finish(self) -> None:
        """Writes what is kept, as long as it is taken."""
        with self._lock, suppress(OSError):
            self._drain(_LAST_WAIT)

    def _retry(self) -> None:
        with self._lock, suppress(OSError):
            self._scheduled_on = None
            self._drain()

    def _drain(self, wait: int = 0) -> None:
        while self._kept and self._stream:
            if not (self._room and self._room.poll(wait)):
                self._schedule()
                return
            try:
                written = os.write(self._stream.fileno(), self._kept[:_CHUNK])
            except OSError:  # nobody reads any more
                self._kept.clear()
                raise
            del self._kept[:written]
        if lost := self._lost:
            self._lost = 0
            log.warning("log_lines_lost", lines=lost)

    def _schedule(self) -> None:
        """Has the event loop of this thread retry; without one the next line does."""
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if loop is not self._scheduled_on:
                self._scheduled_on = loop
                loop.call_later(_RETRY, self._retry)


def _room_of(stream: TextIO) -> "select.poll | None":
    """What knows whether a pipe or a socket can be written to; ``None`` for anything else, which does not block."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return None
    stream.flush()
    room = select.poll()
    room.register(stream.fileno(), select.POLLOUT)
    return room


def _encoded(stream: TextIO, text: str) -> bytes:
    try:
        return text.encode(stream.encoding)
    except UnicodeEncodeError:  # a lone surrogate, in the form for people
        return storable(text).encode(stream.encoding, "replace")


def _write_all(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(storable(text))
    stream.flush()
