"""A worker that has had nothing to do for a while hears of the next run at once."""

import asyncio

from pydantic import SecretStr
from support.service import running_service

from agenciaos_jobs.engine.queue import WAKE
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings


async def test_it_listens_all_the_time_however_soon_the_client_gives_up_waiting(settings: Settings):
    assert settings.redis_url
    impatient = SecretStr(settings.redis_url.get_secret_value() + "?socket_timeout=0.3")
    async with running_service(settings.model_copy(update={"redis_url": impatient})) as service:
        redis = service.app[keys.QUEUE].redis
        async with asyncio.timeout(10):
            while (await redis.pubsub_numsub(WAKE))[0][1] == 0:
                await asyncio.sleep(0.01)
        for _ in range(20):
            assert (await redis.pubsub_numsub(WAKE))[0][1] >= 1
            await asyncio.sleep(0.05)
