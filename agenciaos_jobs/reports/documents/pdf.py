"""A report as PDF: two A4 pages, set by Typst, which comes as a wheel without system packages.

Typst is imported on first use: it takes 40 MB that a process without PDFs need not spend. Rendering takes a thread's
time, not the event loop's.
"""

import asyncio
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from agenciaos_jobs.reports.documents.sections import View


async def pdf(view: View) -> bytes:
    """The document as tagged PDF with embedded fonts."""
    return await asyncio.to_thread(render, view)


def render(view: View, image_format: str = "pdf", ppi: float | None = None) -> Any:
    """The document as PDF, or with ``png`` its pages as pictures. Blocks."""
    return _compiler().compile(
        input=_template(), format=image_format, ppi=ppi, sys_inputs={"report": orjson.dumps(view).decode()}
    )


@cache
def _template() -> bytes:
    return files(__package__).joinpath("report.typ").read_bytes()


@cache
def _compiler() -> Any:
    import typst  # noqa: PLC0415 - only processes that make PDFs load it

    return typst.Compiler(ignore_system_fonts=True)
