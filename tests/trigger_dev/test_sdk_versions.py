"""Trigger.dev's SDKs of other versions, where they send something else than 3.3.17 and 4.8.3."""

import asyncpg
from support.node import needs_node, run_node
from support.sdk import running_with_test_jobs

from agenciaos_jobs.settings import Settings

pytestmark = needs_node


async def test_batches_of_sdk_3_0(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "old_batch.mjs", "sdk30")
    assert (seen["outputs"], seen["tags"], seen["single"]) == ([{"n": 1}, {"n": 2}], ["two"], {"n": 3})
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE batch_id = $1", seen["batchId"]) == 2
    assert seen["unknown"]["error"]["status"] == 404
    assert "items.0.options.maxAttempts" in seen["wrong"]["error"]["message"]
