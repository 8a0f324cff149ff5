"""Totals of the counters of all workers."""

from collections.abc import Mapping

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

Sample = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels, sorted."""


async def add(executor: Executor, increments: Mapping[Sample, float]) -> None:
    names, labels = [name for name, _ in increments], [dict(pairs) for _, pairs in increments]
    await executor.execute(QUERIES["add"], names, labels, list(increments.values()))


async def totals(executor: Executor) -> dict[Sample, float]:
    records = await executor.fetch(QUERIES["all"])
    return {(record["sample"], tuple(sorted(record["labels"].items()))): record["value"] for record in records}
