"""The command that measures, as far as it can be told without measuring."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from agenciaos_jobs.foundation import database

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "measured"),
    [
        ((), ["latency", "drain", "triggers", "flight", "stored", "requests", "durable", "limits"]),
        (("drain", "latency", "--runs", "7"), ["drain", "latency"]),
    ],
)
def test_all_is_measured_or_what_is_named(
    arguments: tuple[str, ...], measured: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(ROOT)
    from bench import __main__ as bench
    from bench.table import Row

    monkeypatch.setattr(bench.logs, "configure", lambda *_: None)  # it is the tests' log too
    monkeypatch.setattr(bench, "_measured", lambda suite, runs: [Row(f"<{suite}>", "ours", runs, "/s")])
    result = CliRunner().invoke(bench.main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert [line.split("<")[1].split(">")[0] for line in result.output.splitlines() if "<" in line] == measured
    assert ("7.0" in result.output) == ("7" in arguments)


def test_a_suite_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import __main__ as bench

    result = CliRunner().invoke(bench.main, ["latencies"])
    assert result.exit_code == 2
    assert "'latencies' is not one of" in result.output


async def test_a_peer_that_cannot_run_here_is_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.syspath_prepend(ROOT)
    from bench import durable
    from bench.peers import install, systems

    monkeypatch.setattr(durable, "PEERS", (systems.GraphileWorker,))
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    assert await durable._installed_peers({"DATABASE_URL": "postgresql:///unused"}) == []
    assert capsys.readouterr().out == ("skipped graphile-worker: it needs Node.js 20 with npm, which is not on PATH\n")


async def test_the_queries_of_a_page_are_counted_however_they_are_sent(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(ROOT)
    from bench import dashboard

    pool = await database.connect(database_url, size=1)
    try:
        taken = dashboard.count_queries(pool)
        assert await pool.fetchval("SELECT 1") == 1
        await pool.within(5).fetch("SELECT 1")
        async with pool.transaction() as connection:
            await connection.execute("SELECT 1")
        assert len(taken) == 3
    finally:
        await pool.close()
