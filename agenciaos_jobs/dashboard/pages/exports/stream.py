"""A list as a file, sent page by page while it is read: CSV for Excel with Brazilian settings, or a JSON array.

Between two pages nothing is held but the page: no transaction, cursor or connection of the database waits for the
client. A page begins after the last row of the page before, so rows that come meanwhile are not in the file.

A file that could not be finished ends without the last chunk of HTTP/1.1, which browsers and curl report as a failed
download. JSON lacks its closing bracket, too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

import orjson
from aiohttp import web

from agenciaos_jobs.dashboard.rendering import HEADERS, formatter
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK
from agenciaos_jobs.http.shutdown import close_when_draining
from agenciaos_jobs.reports.documents import csv_sheet

ROWS = 500
"""Rows of a page."""

STALLED_AFTER = 60.0
"""The seconds after which a client that takes nothing more is disconnected."""

Row = TypeVar("Row")
Value = str | int | Decimal | datetime | Sequence[str] | None

_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column: its name in JSON, its heading in CSV, and a row's value.

    JSON has moments in UTC (RFC 3339) and decimal numbers as strings, CSV has moments in São Paulo's time and numbers
    with a decimal comma; numbers have all of their digits in both.
    """

    name: str
    heading: Text
    value: Callable[[Row], Value]


async def send(
    request: web.Request, name: Text, columns: Sequence[Column[Row]], pages: AsyncIterator[Sequence[Row]]
) -> web.StreamResponse:
    """Sends the rows of ``pages`` as the file that the path's ``kind`` names: ``execucoes-2026-11-28.csv``."""
    fmt, kind = formatter(request), request.match_info["kind"]
    today = request.app[CLOCK].now().astimezone(SAO_PAULO).date()
    disposition = f'attachment; filename="{fmt.of(name)}-{today}.{kind}"'
    response = web.StreamResponse(
        headers={**HEADERS, "Content-Type": _TYPES[kind], "Content-Disposition": disposition, "X-Accel-Buffering": "no"}
    )
    if kind == "json":
        chunks = _json(columns, pages)
    else:
        chunks = _csv([fmt.of(column.heading) for column in columns], columns, pages)
    first = await anext(chunks)  # what fails here is still answered with a page
    close_when_draining(request, response)
    await response.prepare(request)
    is_whole = False
    try:
        # A client that leaves, or takes no more, ends the file.
        with suppress(ConnectionResetError, TimeoutError):
            await _write(response, first)
            async for chunk in chunks:
                await _write(response, chunk)
            await response.write_eof()
            is_whole = True
    finally:
        if not is_whole and request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, chunk: bytes) -> None:
    async with asyncio.timeout(STALLED_AFTER):
        await response.write(chunk)


async def _csv(
    headings: Sequence[str], columns: Sequence[Column[Row]], pages: AsyncIterator[Sequence[Row]]
) -> AsyncIterator[bytes]:
    head = csv_sheet.BOM + csv_sheet.lines([headings])
    async for rows in pages:
        yield head + csv_sheet.lines([[_cell(column.value(row)) for column in columns] for row in rows])
        head = b""
    if head:
        yield head


async def _json(columns: Sequence[Column[Row]], pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    """An array with one object a line."""
    begin = b"[\n"
    async for rows in pages:
        objects = ({column.name: column.value(row) for column in columns} for row in rows)
        if rows:
            yield begin + b",\n".join(orjson.dumps(item, _plain, orjson.OPT_UTC_Z) for item in objects)
            begin = b",\n"
    yield b"[]\n" if begin == b"[\n" else b"\n]\n"


def _plain(value: object) -> str:
    assert isinstance(value, Decimal)
    return f"{value:f}"


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return csv_sheet.escape_formula(value)
        case Decimal():
            return f"{value:f}".replace(".", ",")
        case int():
            return str(value)
        case datetime():
            return f"{value.astimezone(SAO_PAULO):%d/%m/%Y %H:%M:%S}"
    return csv_sheet.escape_formula(", ".join(value))
