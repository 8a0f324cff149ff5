"""The pages that the dashboard's bench asks for besides the menu's, and what they show."""

from datetime import timedelta

import asyncpg
import orjson

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.month import Month

_FILTERS = (
    "before={middle}",
    "after={middle}",
    "task=generate-monthly-reports",
    "status=FAILED",
    "status=failures&period=30d",
    "status=open",
    "status=DELAYED",
    "status=EXECUTING",
    "agency=agency-7",
    "agency=nobody",
    "tag=campanha-10",
    "tag=none",
    "source=sdk",
    "source=schedule",
    "q={old}",
    "q={old:.12}",
    "q={end}",
    "q={old_end}&status=failures",
    "q=0000",
    "q=request 77",
    "q=nothing like it",
    "q=smartphone",
    "q=smartphone&before={middle}",
    "q=palavra&agency=agency-7",
    "q=Agência 7",
    "q=12",
    "q=provider&tag=campanha-10",
    "agent=META_ADS_COPY",
    "agent=BLOG_ARTICLE",
    "queue=task/generate-ai-content&status=FAILED",
    "queue=none",
    "from=2026-11-01&to=2026-11-30&q=request 7",
    "period=24h",
    "status=CANCELED&agency=agency-9&source=sdk&period=30d",
    "since={middle}",
    "since={middle}&status=failures",
)

_OTHERS = (
    "/runs/{new}",
    "/runs/{old}",
    "/runs/{old}/edit",
    "/runs/{new}?status=FAILED&source=sdk",
    "/runs/{new}?q=nothing",
    "/bulk/{bulk}",
    "/bulk/{bulk}?only=failed_again",
    "/errors?period=30d&state=all",
    "/errors?task=generate-ai-content",
    "/errors/group_7",
    "/errors/group_7?period=30d",
    "/errors/group_7?from={hour_start}&to={hour_end}&agency=agency-7",
    "/agencies?q=99",
    "/agencies?plan=PRO",
    "/agencies/agency-7",
    "/costs?by=all",
    "/costs?by=all&sort=name",
    "/costs?agency=agency-7&by=agent",
    "/costs?month={month}",
    "/costs/message/agency-7",
    "/costs.csv?by=all",
    "/reports/2026-10/agency-7",
    "/reports/2026-10.csv",
    "/workbench?agency=agency-7&agent=blog-complete",
    "/workbench?agency=agency-7&agent=copy-generator&client=none",
    "/workbench/runs/{written}",
    "/workbench/runs/{written}?with={other}",
    "/runs/{written}",
    "/payments?action=rejected",
    "/payments?agency=agency-7",
    "/payments?action=activated&agency=agency-7",
    "/payments/7",
)


async def pages(url: str) -> list[str]:
    """The paths of the pages. Makes the runs and the bulk action that they show."""
    connection = await asyncpg.connect(url)
    new = await connection.fetchval("SELECT max(id) FROM jobs.runs WHERE task LIKE '%ai%' AND status = 'COMPLETED'")
    old = await connection.fetchval("SELECT min(id) FROM jobs.runs WHERE status = 'FAILED'")
    middle = await connection.fetchval("SELECT id FROM jobs.runs ORDER BY id OFFSET 300000 LIMIT 1")
    bulk = await _bulk_of_ten_thousand(connection)
    written, other = await _articles(connection)
    await connection.close()
    names = {"new": new, "old": old, "middle": middle, "bulk": bulk, "end": new[-8:], "old_end": old[-8:]}
    names |= {"month": str(Month.of(SystemClock().now()).previous), "written": written, "other": other}
    hours = (f"{SystemClock().now() - timedelta(hours=ago):%Y%m%dT%HZ}" for ago in (3, 2))
    names |= dict(zip(("hour_start", "hour_end"), hours, strict=True))
    asked = ("/?period=7d", "/?period=30d", *(f"/runs?{query}" for query in _FILTERS), *_OTHERS)
    return [path.format(**names) for path in asked]


async def _articles(connection: asyncpg.Connection) -> list[str]:
    """Two runs of one agency that have written articles of 1,500 words."""
    agent = AGENTS["BLOG_ARTICLE"]
    article = agent.example["article"]
    sections = [{**article["sections"][0], "heading": f"Parte {n}", "content": "palavra " * 140} for n in range(10)]
    answer = {**agent.example, "article": {**article, "sections": sections}}
    data, content = agent.written(answer, agent.example_input)
    output = orjson.dumps({"success": True, "data": data, "content": content}).decode()
    payload = orjson.dumps({"agencyId": "agency-7", "agentType": agent.type, "input": agent.example_input}).decode()
    records = await connection.fetch(
        """UPDATE jobs.runs SET output = $1::jsonb, payload = $2::jsonb WHERE id IN (
             SELECT id FROM jobs.runs
             WHERE agency_id = 'agency-7' AND task = 'generate-ai-content' AND status = 'COMPLETED'
             ORDER BY id DESC LIMIT 2) RETURNING id""",
        output,
        payload,
    )
    return sorted((record["id"] for record in records), reverse=True)


async def _bulk_of_ten_thousand(connection: asyncpg.Connection) -> str:
    """The id of a bulk replay that has ended."""
    bulk_id = "bulk_measured"
    await connection.execute(
        "INSERT INTO jobs.bulk_actions VALUES ($1, 'replay', now()) ON CONFLICT DO NOTHING", bulk_id
    )
    await connection.execute(
        """INSERT INTO jobs.bulk_items (bulk_id, position, run_id, taken_at, outcome, new_run_id)
           SELECT $1, row_number() OVER (), id, now(), 'replayed', id
           FROM (SELECT id FROM jobs.runs ORDER BY id DESC LIMIT 10000) AS run ON CONFLICT DO NOTHING""",
        bulk_id,
    )
    return bulk_id
