"""Trigger.dev's SDK 3.3.17, unchanged, against the running service."""

import asyncpg
import pytest
from support import sdk_batches, sdk_realtime, sdk_runs, sdk_schedules, sdk_triggers, sdk_waits
from support.node import needs_node
from support.service import Service

from agenciaos_jobs.settings import Settings

LINE = "sdk3"
pytestmark = [pytest.mark.slow, needs_node]


async def test_triggers(settings: Settings, db: asyncpg.Connection):
    await sdk_triggers.check(LINE, settings, db)


async def test_what_the_sdk_repeats_by_itself_makes_one_run(settings: Settings, db: asyncpg.Connection):
    await sdk_triggers.check_repetitions(LINE, settings, db)


async def test_batches(settings: Settings, db: asyncpg.Connection):
    await sdk_batches.check(LINE, settings, db)


async def test_runs(settings: Settings, db: asyncpg.Connection):
    await sdk_runs.check(LINE, settings, db)


async def test_lists(settings: Settings):
    await sdk_runs.check_list(LINE, settings)


async def test_statuses(settings: Settings, db: asyncpg.Connection):
    await sdk_runs.check_statuses(LINE, settings, db)


@pytest.mark.slow
async def test_concurrency_keys_and_times_to_live(settings: Settings):
    await sdk_waits.check(LINE, settings)


async def test_schedules(service: Service):
    await sdk_schedules.check(LINE, service)


async def test_public_tokens(service: Service):
    await sdk_realtime.check_public_tokens(LINE, service)


async def test_following_a_run(service: Service):
    await sdk_realtime.follow_a_run(LINE, service)


async def test_following_a_tag(service: Service):
    await sdk_realtime.follow_a_tag(LINE, service)


async def test_following_a_batch(service: Service):
    await sdk_realtime.follow_a_batch(LINE, service)


@pytest.mark.slow
async def test_following_five_hundred_runs_at_once(service: Service, db: asyncpg.Connection):
    await sdk_realtime.follow_five_hundred(LINE, service, db)
