"""Long names and big sums, and what of them does not fit on a page."""

from pathlib import Path

from agenciaos_jobs.http.keys import DATABASE
from support.chromium import Chromium, Site

HERE = Path(__file__).parent
FAULTS = (HERE / "fitting.js").read_text()

LONG = "otorrinolaringologicamente-incomparavel-e-memoravel-de-tao-comprida"


def lengthen(site: Site, name: str) -> None:
    """Runs the statements of ``long_words`` before runs are made, and those of ``long_results`` afterwards."""
    database = site.service.app[DATABASE]
    for statement in (HERE / f"{name}.sql").read_text().strip().split(";\n"):
        site.does(database.execute(statement))


def misfits(window: Chromium, width: int) -> list[str]:
    """What is cut off, covered, left out or too wide at this width; everything that opens is open, but for menus."""
    window.size(width, 900)
    window.script("document.querySelectorAll('main details:not(.views)').forEach((part) => { part.open = true; })")
    return [f"{width} px: {fault}" for fault in window.script(FAULTS)]
