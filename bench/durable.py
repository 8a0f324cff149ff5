"""Ours beside other durable job systems on one Postgres: drain, trigger to start, 50 ms jobs in ten slots."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import click

from bench import workers
from bench.drain import drain
from bench.peers import starts
from bench.peers.install import CannotInstallError
from bench.peers.systems import OURS, PEERS, Ours, PgQueuer, System
from bench.table import Row

_ROUNDS = 3
_SAMPLES = 180
_TIMEOUT = 120
_POLL_INTERVAL = 0.005
_SLOTS = 100
_FEW_SLOTS, _SECONDS = 10, 0.05


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    return asyncio.run(_measure(environment, runs))


async def _measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    peers = await _installed_peers(environment)
    systems = [*peers, *[kind(environment) for kind in OURS]]
    samples = max(min(_SAMPLES, runs // 20) // _ROUNDS, 2)
    few_runs = max(runs // 20, _FEW_SLOTS)
    rates = await _in_turns("drain", systems, lambda system: _drain(system, runs, 0, _SLOTS))
    one, two = await _by_workers(environment, runs)
    waits = await _in_turns("trigger to start", systems, lambda system: _waits(system, samples))
    few = await _in_turns("ten slots", systems, lambda system: _drain(system, few_runs, _SECONDS, _FEW_SLOTS))
    return [
        *_rate_rows(f"no-op jobs/s, {_SLOTS} slots", rates),
        Row("1 worker", Ours.name, one, "/s"),
        Row(f"2 workers, {os.cpu_count()} cores", Ours.name, two, "/s", one),
        *_wait_rows(waits, [peer.name for peer in peers]),
        *_rate_rows(f"50 ms jobs/s, {_FEW_SLOTS} slots (ideal {_FEW_SLOTS / _SECONDS:.0f})", few),
    ]


async def _installed_peers(environment: Mapping[str, str]) -> list[System]:
    """The peers that this machine can run; names those that it cannot."""
    installed: list[System] = []
    for peer in (kind(environment) for kind in PEERS):
        try:
            await asyncio.to_thread(peer.install)
        except CannotInstallError as error:
            click.echo(f"skipped {peer.name}: {error}")
            continue
        await peer.create_database()
        installed.append(peer)
    return installed


async def _in_turns(
    what: str, systems: Sequence[System], measure_one: Callable[[System], Awaitable[list[float]]]
) -> dict[str, list[float]]:
    """The values of each system in all rounds. In turns, because a machine is not the same from minute to minute."""
    found: dict[str, list[float]] = {system.name: [] for system in systems}
    for number in range(1, _ROUNDS + 1):
        click.echo(f"  {what}, round {number} of {_ROUNDS}")
        for system in systems:
            await system.empty()
            found[system.name] += await measure_one(system)
    return found


async def _drain(system: System, count: int, seconds: float, slots: int) -> list[float]:
    """Jobs a second, from the start of the first job until Postgres has the end of the last one."""
    await system.fill(count, seconds)
    await system.analyze()
    connection = await asyncpg.connect(system.database)
    with _working(system, slots) as started:
        async with asyncio.timeout(_TIMEOUT):
            while starts.count(started) < count:  # asking Postgres meanwhile would take of what is measured
                await asyncio.sleep(_POLL_INTERVAL)
            while await connection.fetchval(system.pending):
                await asyncio.sleep(_POLL_INTERVAL)
            ended_at = time.time()
        began_at = min(moment for moment, _ in starts.read(started))
    await connection.close()
    return [count / (ended_at - began_at)]


async def _waits(system: System, samples: int) -> list[float]:
    """The seconds from trigger to start on an idle worker, without the first one."""
    with _working(system, _SLOTS) as started:
        await system.trigger(samples, started)
        async with asyncio.timeout(_TIMEOUT):
            while starts.count(started) <= samples:
                await asyncio.sleep(_POLL_INTERVAL)
        return [moment - sent_at for moment, sent_at in starts.read(started)][1:]


async def _by_workers(environment: Mapping[str, str], runs: int) -> list[float]:
    """The rates of one and of two workers of ours, in turns."""
    rates = [[await drain(environment, runs, workers.OURS, count) for count in (1, 2)] for _ in range(_ROUNDS)]
    return [statistics.median(of_count) for of_count in zip(*rates, strict=True)]


@contextmanager
def _working(system: System, slots: int) -> Iterator[Path]:
    """A worker of the system; yields the file with the starts of its jobs."""
    with tempfile.TemporaryDirectory() as name:
        started = Path(name) / "starts"
        started.touch()
        given = {**system.given, "STARTS": str(started), "SLOTS": str(slots), "WORKER_MAX_JOBS": str(slots)}
        log = Path(name) / "log"
        with workers.process(system.worker(slots), given, "", log):
            try:
                yield started
            except TimeoutError:
                raise SystemExit(f"{system.name} has not run all jobs: {log.read_text()[-2000:]}") from None


def _rate_rows(what: str, rates: Mapping[str, Sequence[float]]) -> list[Row]:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    base = medians.get(PgQueuer.name)
    return [Row(what if not at else "", name, rate, "/s", base) for at, (name, rate) in enumerate(medians.items())]


def _wait_rows(waits: Mapping[str, Sequence[float]], peers: Sequence[str]) -> list[Row]:
    """The median and the 95th percentile; the latter's ratio is to the best peer."""
    p95 = {name: 1000 * statistics.quantiles(values, n=20)[-1] for name, values in waits.items()}
    best = min((p95[name] for name in peers), default=None)
    rows = []
    for name, values in waits.items():
        rows.append(Row("trigger to start, idle" if not rows else "", name, 1000 * statistics.median(values), "ms p50"))
        rows.append(Row("", name, p95[name], "ms p95", best, less=True))
    return rows
