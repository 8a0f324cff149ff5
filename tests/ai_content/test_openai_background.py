"""What takes long is written in OpenAI's background: no slot held, nothing asked or billed twice, nothing hangs."""

from datetime import UTC, datetime, timedelta

import asyncpg
from standardwebhooks import Webhook
from support.background import ARTICLE, OLD_SECRET, announce, bills, settled, waits
from support.double import OpenAIDouble
from support.service import running_server, running_service

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.background import next_poll_delay
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

SHORT = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


async def test_a_run_holds_no_slot_while_the_model_writes_and_a_webhook_finishes_it(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        response_id = await openai_double.asked()
        run = await waits(service, run_id)
        assert (run["status"], run["isQueued"], run["isExecuting"]) == ("QUEUED", False, False)
        other = await service.outcome("ai-content", SHORT)  # in the worker's only slot
        assert other["status"] == "COMPLETED"
        assert (await announce(service, "resp_of_somebody_else"))[1] == {"received": True}
        openai_double.writes(response_id)
        status, told = await announce(service, response_id)
        assert (status, told["runId"]) == (200, run_id)
        run = await service.finished(run_id)
        assert (await announce(service, response_id))[0] == 200
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert run["output"]["data"]["article"] == AGENTS["BLOG_ARTICLE"].example["article"]
    assert len(openai_double.requests) == 2
    assert openai_double.looks == 1
    assert await db.fetchval("SELECT count(*) FROM ai_usage WHERE id = $1", run_id) == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_responses") == 0
    attempts = await db.fetch("SELECT started_at, finished_at FROM jobs.attempts WHERE run_id = $1", run_id)
    assert len(attempts) == 1


async def test_only_signed_deliveries_of_now_are_believed(announced: Settings):
    async with running_server(announced) as server:
        assert (await announce(server, "resp_1", secret=OLD_SECRET))[0] == 200
        assert (await announce(server, "resp_1", kind="batch.completed"))[0] == 200
        assert (await announce(server, "resp_1", kind="of.tomorrow"))[0] == 200
        wrong = Webhook("whsec_b3V0cm8gc2VncmVkbw==").sign("wh_1", datetime.now(UTC), "{}")
        assert (await announce(server, "resp_1", **{"webhook-signature": wrong}))[0] == 401
        early = str(int((datetime.now(UTC) - timedelta(minutes=6)).timestamp()))
        for header, value in (("webhook-timestamp", early), ("webhook-timestamp", "soon"), ("webhook-id", "")):
            assert (await announce(server, "resp_1", **{header: value}))[0] == 401
    async with running_server(announced.model_copy(update={"openai_webhook_secret": None})) as server:
        assert (await announce(server, "resp_1"))[0] == 401


async def test_what_no_webhook_announces_is_asked_for(
    polling: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(polling) as service:
        run_id = await service.trigger("ai-content", ARTICLE, ttl=1)
        openai_double.writes(await openai_double.asked())
        openai_double.fails(500)  # for whoever asks a second time
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert run["durationMs"] >= 1_900  # the whole attempt, not its last look
    assert await bills(db) == [("completed", None, 1)]


async def test_an_answer_is_corrected_in_the_background_too(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    openai_double.says({**AGENTS["BLOG_ARTICLE"].example, "keywords": ["x" * 61] * 3})
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        for number in (1, 2):
            response_id = await openai_double.asked(number)
            await waits(service, run_id)
            openai_double.writes(response_id)
            await announce(service, response_id)
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert await bills(db) == [("completed", None, 2)]
    assert openai_double.looks == 2


async def test_canceling_a_run_cancels_its_response(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        response_id = await openai_double.asked()
        await waits(service, run_id)
        await service.post(f"/api/v2/runs/{run_id}/cancel", {})
        await openai_double.cancels(response_id)
        await settled(service, db, run_id)
        assert (await announce(service, response_id))[1] == {"received": True}
        assert (await service.run(run_id))["status"] == "CANCELED"
    assert await bills(db) == []
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


async def test_what_was_written_before_the_run_was_canceled_is_billed(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        openai_double.writes(await openai_double.asked())
        await waits(service, run_id)
        await service.post(f"/api/v2/runs/{run_id}/cancel", {})
        await settled(service, db, run_id)
        assert (await service.run(run_id))["costInCents"] > 0
    assert await bills(db) == [("failed", "canceled", 1)]
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 0


async def test_the_longest_duration_counts_from_the_first_call(
    polling: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(polling) as service:
        run_id = await service.start(JOBS["generate-ai-content"], ARTICLE, max_duration=1)
        run = await service.finished(run_id)
        await openai_double.cancels(await openai_double.asked())
        await settled(service, db, run_id)
    assert (run["status"], run["attemptCount"]) == ("TIMED_OUT", 1)
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


def test_answers_are_asked_for_ever_more_rarely():
    ages = [timedelta(seconds=seconds) for seconds in (0, 4, 20, 60, 200, 1_000)]
    assert [next_poll_delay(age, has_completion_webhook=False).total_seconds() for age in ages] == [2, 2, 5, 15, 30, 30]
    assert [next_poll_delay(age, has_completion_webhook=True).total_seconds() for age in ages] == [
        30,
        30,
        30,
        30,
        50,
        120,
    ]
