"""``python -m bench.dashboard``: each page of the dashboard over a month of runs: time, queries, bytes."""

import argparse
import asyncio
import gzip
import statistics
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import asyncpg
from aiohttp.test_utils import TestServer
from rich.console import Console
from rich.table import Table

from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.dashboard import navigation
from agenciaos_jobs.dev import embedded
from agenciaos_jobs.engine.store import run_hours
from agenciaos_jobs.engine.store.search import index
from agenciaos_jobs.foundation import database, logs
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.http.keys import DATABASE
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.server import create_app
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import tune_gc
from bench.__main__ import prepare
from bench.dashboard_pages import pages

PASSWORD = "measured"
SAMPLES = 60
QUESTIONS = {
    "/runs/bulk (replay all of a month)": {"action": "replay-all"},
    "/runs/bulk (cancel all that are open)": {"action": "cancel-all", "status": "open"},
    "/errors/group_7/replay (all of a group)": {},
}
"""Forms that ask before they act, by a name for the table."""


async def fill(url: str, runs: int) -> None:
    """Stores the month, unless the data directory has it already, and counts its hours as a sweeper would."""
    connection = await asyncpg.connect(url)
    if await connection.fetchval("SELECT count(*) < $1 FROM jobs.runs", runs):
        text = Path(__file__).with_suffix(".sql").read_text()
        await connection.execute(text.replace("$RUNS", str(runs)), timeout=900)
        await connection.execute("VACUUM ANALYZE", timeout=900)
    await connection.close()
    pool = await database.connect(url, size=1)
    began = time.perf_counter()
    while await run_hours.count_closed_hours(pool, SystemClock().now()):
        pass
    await spend.count_closed_days(pool, SystemClock().now())
    print(f"hours counted in {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    while await index.fill(pool, SystemClock().now(), 2_000):
        pass
    print(f"the search filled in {time.perf_counter() - began:.1f} s")
    await pool.execute("VACUUM ANALYZE jobs.run_search")
    await pool.close()


def count_queries(database_in_use: database.Database) -> list[None]:
    """Grows by one with each time that a connection is taken: about the number of queries.

    Counted where all views of the database (:meth:`Database.within`) and all its methods take theirs.
    """
    pool, taken = database_in_use._pool, list[None]()
    original = pool.acquire

    def counting(limit: float | None = None) -> AbstractAsyncContextManager[database.Connection]:
        taken.append(None)
        return original(limit)

    pool.acquire = counting
    return taken


async def measure(url: str, redis: str) -> Table:
    settings = Settings(
        database_url=url, redis_url=redis, trigger_secret_key="tr_measured", dashboard_password=PASSWORD
    )
    table = Table(title="the dashboard")
    for heading in ("page", "p50 ms", "p95 ms", "queries", "kB", "kB gzip"):
        table.add_column(heading, justify="left" if heading == "page" else "right")
    app = create_app(settings)
    tune_gc()
    server = TestServer(app)
    await server.start_server()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(server.make_url("/"), cookie_jar=jar, headers={"Accept": "text/html"}) as http:
        await http.post("/login", data={"password": PASSWORD})
        taken = count_queries(app[DATABASE])
        token = await _token(http)
        menu = [entry.path for entry in navigation.menu(app, Role.ADMIN)]
        for path in [*menu, *await pages(url), *QUESTIONS]:
            taken.clear()
            times, body = [], b""
            for _ in range(SAMPLES):
                began = time.perf_counter()
                body = await _ask(http, path, token)
                times.append(1000 * (time.perf_counter() - began))
            p95 = statistics.quantiles(times, n=20)[-1]
            queries = f"{len(taken) / SAMPLES:.0f}"
            sizes = (f"{len(body) / 1000:.0f}", f"{len(gzip.compress(body)) / 1000:.0f}")
            table.add_row(path[:70], f"{statistics.median(times):.0f}", f"{p95:.0f}", queries, *sizes)
    await server.close()
    return table


async def _token(http: aiohttp.ClientSession) -> str:
    """What each form of the session must send along."""
    async with http.get("/runs") as response:
        return (await response.text()).partition('<meta name="csrf" content="')[2].partition('"')[0]


async def _ask(http: aiohttp.ClientSession, path: str, token: str) -> bytes:
    """A page's body; what stands in QUESTIONS is a form that is sent."""
    method, fields = ("POST", {**QUESTIONS[path], "csrf": token}) if path in QUESTIONS else ("GET", None)
    async with http.request(method, path.partition(" ")[0], data=fields) as response:
        body = await response.read()
        assert response.status == 200, (path, response.status)
        return body


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="a directory to keep the database in")
    options = parser.parse_args()
    logs.configure("json", "error", Redactor())
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        directory = options.data or Path(name)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
        with embedded.postgres(directory / "postgres") as url, embedded.redis() as (redis, _):
            asyncio.run(prepare(url))
            asyncio.run(fill(url, options.runs))
            Console(width=130).print(asyncio.run(measure(url, redis)))


if __name__ == "__main__":
    main()
