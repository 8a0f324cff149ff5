"""What must be true when a soak has ended."""

import asyncio
import sys
import time
from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis

# Each names what it counts, which must be nothing.
FAULTS = {
    "runs taken but not stored": """
        SELECT count(*) FROM unnest($1::text[]) AS id WHERE id NOT IN (SELECT id FROM jobs.runs)""",
    "keys with more than one run": """
        SELECT count(*) FROM (SELECT idempotency_key FROM jobs.runs WHERE idempotency_key LIKE 'soak-%'
                              GROUP BY 1 HAVING count(*) > 1) AS several""",
    "runs that have not ended": "SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL",
    # Whoever is killed or frozen with three workers ends CRASHED: that is the rule, and chance may do it here.
    "runs that ended otherwise, without three workers lost": """
        SELECT count(*) FROM jobs.runs WHERE id = ANY ($1::text[])
          AND status NOT IN ('COMPLETED', 'CANCELED') AND NOT (status = 'CRASHED' AND losses >= 3)""",
    "runs canceled that nobody canceled": """
        SELECT count(*) FROM jobs.runs
        WHERE status = 'CANCELED' AND id = ANY ($1::text[]) AND NOT id = ANY ($2::text[])""",
    "completed runs without exactly one completed attempt": """
        SELECT count(*) FROM jobs.runs AS run WHERE status = 'COMPLETED' AND 1 <> (
          SELECT count(*) FROM jobs.attempts WHERE run_id = run.id AND status = 'COMPLETED')""",
    "attempts that are not one row each": """
        SELECT count(*) FROM jobs.runs AS run
        WHERE attempt <> (SELECT count(*) FROM jobs.attempts WHERE run_id = run.id)""",
    "AI runs whose use was not recorded exactly once": """
        SELECT count(*) FROM jobs.runs AS run WHERE task = 'generate-ai-content' AND (status = 'COMPLETED')::int <> (
          SELECT count(*) FROM public.ai_usage WHERE id = run.id)""",
    "AI runs whose content was not kept exactly once": """
        SELECT count(*) FROM jobs.runs AS run WHERE task = 'generate-ai-content' AND (status = 'COMPLETED')::int <> (
          SELECT count(*) FROM jobs.ai_generations AS made WHERE made.run_id = run.id AND made.status = 'completed')""",
    "AI reservations that are wrong": """
        SELECT count(*) FROM jobs.runs AS run WHERE task = 'generate-ai-content' AND (status = 'COMPLETED')::int <> (
          SELECT count(*) FROM jobs.ai_reservations WHERE run_id = run.id)""",
    "payments not recorded exactly once": """
        SELECT count(*) FROM jobs.runs AS run
        WHERE task = 'process-payment-webhook' AND (status = 'COMPLETED')::int <> (
          SELECT count(*) FROM jobs.payment_events WHERE run_id = run.id)""",
    "runs that are parked": "SELECT count(*) FROM jobs.runs WHERE parked",
}


@dataclass
class TriggerResult:
    """A run that a caller was told is taken."""

    run_id: str
    kind: str
    key: str
    is_canceled: bool = False


# arq's health record, and for a minute the mark that keeps a second worker from repeating a cron job.
_ARQS_OWN = ("arq:queue", "arq:in-progress:cron:")


class Audit:
    """Looks into Postgres and Redis."""

    def __init__(self, database: str, redis: str) -> None:
        self._database, self._redis = database, redis

    async def wait(self, patience: float) -> int:
        """Until every run has ended, or none more does for ``patience`` seconds; returns how many have not."""
        connection = await asyncpg.connect(self._database)
        least, ends_at = sys.maxsize, 0.0
        while True:
            left = int(await connection.fetchval(FAULTS["runs that have not ended"]))
            if left < least:
                least, ends_at = left, time.monotonic() + patience
            if not left or time.monotonic() > ends_at:
                break
            await asyncio.sleep(0.5)
        await connection.close()
        return left

    async def report(self, accepted: list[TriggerResult], unfinished: int) -> bool:
        """Prints what was found, once the workers are gone; true where nothing is wrong."""
        connection = await asyncpg.connect(self._database)
        taken, canceled = [run.run_id for run in accepted], [run.run_id for run in accepted if run.is_canceled]
        found = {"runs that had not ended in time": unfinished}
        for name, query in FAULTS.items():
            values = [taken, canceled][: 2 if "$2" in query else int("$1" in query)]
            found[name] = int(await connection.fetchval(query, *values))
        found["leases left"] = int(
            await connection.fetchval("SELECT count(*) FROM jobs.workers WHERE lease_until > now()")
        )
        statuses = await connection.fetch(
            "SELECT task, status, count(*), sum(attempt - 1) FILTER (WHERE attempt > 1) AS again, sum(losses) AS lost "
            "FROM jobs.runs GROUP BY 1, 2 ORDER BY 1, 2"
        )
        await connection.close()
        found |= await self._left_in_redis()
        for task, status, count, again, lost in statuses:
            print(f"{task:28} {status:10} {count:7}  attempts again {again or 0}, lost with a worker {lost}")
        for name, count in found.items():
            print(f"{'ok ' if count == 0 else 'BAD'} {name}: {count}")
        return not any(found.values())

    async def _left_in_redis(self) -> dict[str, int]:
        redis = Redis.from_url(self._redis)
        queued = await redis.zcard("arq:queue")
        keys = [key.decode() async for key in redis.scan_iter("arq:*")]
        await redis.aclose()
        orphans = [key for key in keys if not key.startswith(_ARQS_OWN)]
        for key in orphans:
            print(f"orphan: {key}")
        return {"members left in the queue": queued, "orphans in Redis": len(orphans)}
