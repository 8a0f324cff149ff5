"""Trigger.dev's SDK in four versions: the calls that each has, as the guide's table shows them."""

import re
from pathlib import Path

import asyncpg
import pytest
from support.node import needs_node, run_node
from support.sdk import running_with_test_jobs

from agenciaos_jobs.settings import Settings

pytestmark = needs_node

GUIDE = Path(__file__).parents[2] / "docs" / "from-trigger-dev.md"

VERSIONS = {"sdk30": "3.0.13", "sdk3": "3.3.17", "sdk40": "4.0.7", "sdk4": "4.8.3"}
"""Of the versions in the table, those that are installed here."""


def in_the_guide(version: str) -> dict[str, str]:
    """The cell of each call in this version's column of the guide's table."""
    table = GUIDE.read_text().partition("## Call by call\n")[2].lstrip().partition("\n\n")[0]
    head, _, *rows = [line.strip("| ").split(" | ") for line in table.split("\n") if line.startswith("|")]
    column = head.index(version)
    return {call: row[column] for row in rows for call in re.findall(r"`([\w.]+)", row[0])}


@pytest.mark.parametrize("line", VERSIONS)
async def test_each_call_goes_as_the_guide_s_table_shows(settings: Settings, line: str):
    async with running_with_test_jobs(settings) as service:
        found = await run_node(service, "versions.mjs", line)
    told = in_the_guide(VERSIONS[line])
    assert len(found) >= 50
    assert {call: told.get(call) for call in found} == found


async def test_batches_of_sdk_3_0(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "old_batch.mjs", "sdk30")
    assert (seen["outputs"], seen["tags"], seen["single"]) == ([{"n": 1}, {"n": 2}], ["two"], {"n": 3})
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE batch_id = $1", seen["batchId"]) == 2
    assert seen["unknown"]["error"]["status"] == 404
    assert "items.0.options.maxAttempts" in seen["wrong"]["error"]["message"]
