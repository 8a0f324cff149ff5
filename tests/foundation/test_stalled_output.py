"""Standard output with a stalled reader: the process is not blocked, and lines that fit are written later."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest
import structlog
from support.places import fill, filled_pipe

from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.logs import output
from agenciaos_jobs.foundation.redact import Redactor


async def read(reading: int, until: str) -> list[dict[str, Any]]:
    """The lines that arrive up to the one of this event."""
    os.set_blocking(reading, False)
    text = b""
    async with asyncio.timeout(10):
        while f'"event":"{until}"'.encode() not in text or not text.endswith(b"\n"):
            try:
                text += os.read(reading, 65_536)
            except BlockingIOError:
                await asyncio.sleep(0.01)
    return [json.loads(line) for line in text.splitlines() if line]


async def test_lines_wait_for_a_reader_that_has_stopped_and_those_over_the_bound_are_counted(
    monkeypatch: pytest.MonkeyPatch,
):
    logs.configure("json", "debug", Redactor())
    log = structlog.get_logger("agenciaos_jobs.test")
    monkeypatch.setattr(output, "MAX_KEPT", 10_000)
    reading, writing = filled_pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        log.warning("kept", text="ação")
        assert [line["event"] for line in await read(reading, "kept")] == ["kept"]
        fill(writing)
        for number in range(200):
            log.warning("many", number=number)
        lines = await read(reading, "log_lines_lost")
    os.close(reading)
    many = [line["number"] for line in lines if line["event"] == "many"]
    assert many == list(range(len(many)))
    assert [line["lines"] for line in lines if line["event"] == "log_lines_lost"] == [200 - len(many)]
    assert 50 < len(many) < 200


async def test_a_reader_that_has_gone_costs_only_lines(monkeypatch: pytest.MonkeyPatch):
    logs.configure("json", "debug", Redactor())
    log = structlog.get_logger("agenciaos_jobs.test")
    reading, writing = filled_pipe()
    stream = os.fdopen(writing, "w", encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        log.warning("kept")
        os.close(reading)
        log.warning("lost")
    stream.close()
