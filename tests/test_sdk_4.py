"""Trigger.dev's SDK 4.8.3, unchanged, against the running service."""

import asyncpg
from support import sdk_triggers
from support.node import needs_node

from agenciaos_jobs.settings import Settings

LINE = "sdk4"
pytestmark = needs_node


async def test_triggers(settings: Settings, db: asyncpg.Connection):
    await sdk_triggers.check(LINE, settings, db)
