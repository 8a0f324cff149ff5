"""Trigger.dev's SDK 4.8.3, unchanged, against the running service."""

import asyncpg
from support import sdk_batches, sdk_runs, sdk_triggers
from support.node import needs_node

from agenciaos_jobs.settings import Settings

LINE = "sdk4"
pytestmark = needs_node


async def test_triggers(settings: Settings, db: asyncpg.Connection):
    await sdk_triggers.check(LINE, settings, db)


async def test_batches(settings: Settings, db: asyncpg.Connection):
    await sdk_batches.check(LINE, settings, db)


async def test_runs(settings: Settings, db: asyncpg.Connection):
    await sdk_runs.check(LINE, settings, db)


async def test_lists(settings: Settings):
    await sdk_runs.check_list(LINE, settings)
