"""The first page, and the hours that it counts."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browsing import operator
from support.clock import FrozenClock
from support.service import running_server, running_worker

from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.ai_content.store.spend import Bill, Spend
from agenciaos_jobs.dashboard.charts import Step, scale_top, stacked
from agenciaos_jobs.dashboard.pages.overview import month_spend
from agenciaos_jobs.engine.model.histogram import Histogram, bucket_of
from agenciaos_jobs.engine.store import run_hours
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.clock import make_id
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
SAYS = Formatter("pt", NOW)


@pytest.fixture
async def pool(settings: Settings):
    pool = await database.connect(settings.database_url.get_secret_value(), size=2)
    yield pool
    await pool.close()


async def store(db: asyncpg.Connection, moment: datetime, status: str, seconds: float | None = None) -> str:
    run_id = make_id("run", moment, int(moment.timestamp() * 1000) % 999_983)
    started = moment + timedelta(seconds=1) if seconds is not None else None
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at,
                                  due_at, started_at, finished_at)
           VALUES ($1, 'a-task', $2, '{}', 'api', 3, 60, $3, $3, $3, $4, $5)""",
        run_id,
        status,
        moment,
        started,
        started + timedelta(seconds=seconds) if started else None,
    )
    return run_id


async def test_a_counted_hour_says_what_its_runs_say(pool: database.Database, db: asyncpg.Connection):
    hour = NOW.replace(minute=0) - timedelta(hours=2)
    for number, status in enumerate(("COMPLETED", "COMPLETED", "FAILED", "CANCELED", "QUEUED", "TIMED_OUT")):
        await store(db, hour + timedelta(minutes=number), status, 2 if status == "COMPLETED" else None)
    await store(db, hour - timedelta(milliseconds=1), "COMPLETED", 1)
    before = await run_hours.outcomes(pool, hour, NOW)
    assert before.by_hour[hour] == {"good": 2, "bad": 2, "off": 1, "open": 1}
    times = await run_hours.times(pool, hour, NOW)
    assert times["a-task"].duration.counts == {bucket_of(2000): 2}
    while await run_hours.count_closed_hours(pool, NOW):
        pass
    assert await db.fetchval("SELECT count(*) FROM jobs.counted_hours") == 32 * 24
    assert await run_hours.outcomes(pool, hour, NOW) == before
    assert await run_hours.times(pool, hour, NOW) == times


async def test_an_hour_is_counted_again_when_its_last_runs_end(pool: database.Database, db: asyncpg.Connection):
    hour = NOW.replace(minute=0) - timedelta(hours=5)
    run_id = await store(db, hour, "QUEUED")
    while await run_hours.count_closed_hours(pool, NOW):
        pass
    assert (await run_hours.outcomes(pool, hour, NOW)).by_hour[hour] == {"open": 1}
    await db.execute("UPDATE jobs.runs SET status = 'COMPLETED' WHERE id = $1", run_id)
    assert await run_hours.count_closed_hours(pool, NOW) == 1
    assert (await run_hours.outcomes(pool, hour, NOW)).by_hour[hour] == {"good": 1}
    assert await run_hours.count_closed_hours(pool, NOW) == 0


async def test_a_counted_day_costs_what_its_generations_cost(pool: database.Database, db: asyncpg.Connection):
    for hours, cost in ((0, "1.5"), (30, "0.25"), (31, None), (24 * 5, "2")):
        await db.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                                                input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                                created_at)
               VALUES ('run_1', 1, 'agency-123', 'X', 'completed', 'm', 1, 1, 0, 1, 0, $1::text::numeric, $2)""",
            cost,
            NOW - timedelta(hours=hours),
        )
    first_day = NOW.date().replace(day=1)
    before = await spend.bill(pool, first_day, NOW, 8)
    assert [(spent.agency, spent.generations, spent.unpriced, spent.cost) for spent in before.by_agency] == [
        ("Agência Aurora", 4, 1, Decimal("3.75"))
    ]
    assert await spend.count_closed_days(pool, NOW) == 5
    assert await spend.count_closed_days(pool, NOW) == 0
    assert await db.fetchval("SELECT sum(generations) FROM jobs.ai_agent_days") == 3
    assert await spend.bill(pool, first_day, NOW, 8) == before


async def test_the_first_page_tells_how_things_go(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        for period in ("24h", "7d", "30d", "nonsense"):
            status, page = await browser.get(f"/?period={period}")
            assert (status, "Nenhuma execução no período" in page, "Nenhum worker ativo" in page) == (
                200,
                True,
                True,
            )
        async with running_worker(settings):
            await service.outcome(
                "ai-content",
                {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}},
            )
            await service.outcome("monthly-report", {"month": "2999-01"})
            _, page = await browser.get("/")
        assert "Nenhum worker ativo" not in page
        for words in ("50,0%", "month_in_future", "Agência Aurora", "1 worker ativo", "generate-ai-content"):
            assert words in page, words
        assert re.search(r"<dd>2</dd><dd>1 com falha", page)


async def test_charts_have_their_figures_in_a_table_and_tasks_their_times(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOW)
    for minutes, status, seconds in (
        (20, "COMPLETED", 2),
        (21, "COMPLETED", 4),
        (22, "FAILED", 1),
        (80, "CANCELED", None),
    ):
        await store(db, NOW - timedelta(minutes=minutes), status, seconds)
    await store(db, NOW - timedelta(seconds=95), "QUEUED")
    async with running_server(settings, clock) as service, operator(service) as browser:
        for period, first, second in (("24h", "24 nov, 09 h", "24 nov, 08 h"), ("7d", "24 nov, 09 h", "24 nov, 08 h")):
            _, page = await browser.get(f"/?period={period}")
            table = page.partition('class="chart-table"')[2].partition("</table>")[0]
            rows = re.findall(r'<a href="([^"]+)">([^<]+)</a></th>((?:<td>\d+</td>)+)', table)
            assert [(label, re.findall(r"\d+", cells)) for _, label, cells in rows] == [
                (first, ["2", "1", "0", "1", "4"]),
                (second, ["0", "0", "1", "0", "1"]),
            ], period
            shown = await browser.get(rows[0][0].replace("&amp;", "&"))
            assert len(re.findall('data-row="run_', shown[1])) == 4
            assert f"<title>{first}: 2 concluídas, 1 com falha, 1 em andamento</title>" in page
        _, page = await browser.get("/?period=30d")
        assert "<title>24 nov: 2 concluídas, 1 com falha, 1 canceladas, 1 em andamento</title>" in page
        assert re.search(r"66,7%</dd>", page)
        assert re.search(r"<dt>Na fila</dt><dd>1</dd><dd>a mais antiga espera <span[^>]*>1 min 35 s", page)
        figures = re.search(r'data-row="a-task".*?</tr>', page, re.S)
        assert figures
        times = re.findall(r'data-label="(?:Espera |Duração )?p(\d\d)">([^<]+)', figures[0])
        assert times == [("50", "939 ms"), ("95", "1,02 s"), ("50", "1,88 s"), ("95", "3,99 s")]


async def test_what_ai_costs_is_told_by_agency_and_by_model(settings: Settings, db: asyncpg.Connection):
    for number, (agency, model, cost) in enumerate(
        (("123", "big", "1.5"), ("123", "small", "0.25"), ("124", "big", "2"))
    ):
        await db.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                                                input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                                created_at)
               VALUES ($1, 1, $2, 'X', 'completed', $3, 1, 1, 0, 1, 0, $4::text::numeric, $5)""",
            f"run_{number}",
            f"agency-{agency}",
            model,
            cost,
            NOW - timedelta(days=number),
        )
    async with running_server(settings, FrozenClock(NOW)) as service, operator(service) as browser:
        _, page = await browser.get("/")
    spend = page.partition('data-part="spend"')[2]
    told = [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in re.findall("<tr.*?</tr>", spend, re.S)[1:]]
    assert told == [
        "Bem-te-vi Digital big US$ 2,00 100,0% 1 US$ 2,00",
        "Agência Aurora big US$ 1,50 small US$ 0,25 87,5% 2 US$ 1,75",
        "big US$ 3,50",
        "small US$ 0,25",
    ]


async def test_the_sweeper_counts_hours(settings: Settings, db: asyncpg.Connection):
    async with running_worker(settings, clock=FrozenClock(NOW)) as worker:
        await worker.ctx["worker"].rescuer.run_once()
    assert await db.fetchval("SELECT max(hour) FROM jobs.counted_hours") == NOW.replace(minute=0) - timedelta(hours=1)


@given(st.lists(st.floats(min_value=1, max_value=10**8), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_quantile_of_counts_is_near_the_true_one(milliseconds: list[float], share: float):
    histogram = Histogram()
    for time in milliseconds:
        histogram.counts[bucket_of(time)] = histogram.counts.get(bucket_of(time), 0) + 1
    true = sorted(milliseconds)[math.ceil(share * len(milliseconds)) - 1]
    found = histogram.quantile(share)
    assert found is not None
    assert true / 1.2 <= found * 1000 <= true * 1.2
    assert Histogram().quantile(share) is None


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_bars_stay_in_their_field(values: list[int]):
    chart = stacked([Step("x", {"good": value, "bad": value // 3}) for value in values], ("good", "bad"))
    for column in chart.columns:
        assert 0 <= column.x <= column.x + column.width <= chart.width + 0.01
        assert all(part.y >= -0.01 and part.y + part.height <= chart.height + 3.1 for part in column.parts)
    assert scale_top(max(values)) >= max(values)


def test_the_month_s_bill_adds_up():
    spend = month_spend(
        Bill(
            by_agency=[
                Spend("a", "Aurora", "big", 2, 0, Decimal("1.5")),
                Spend("b", None, "big", 4, 0, Decimal("0.5")),
                Spend("a", "Aurora", "small", 1, 1, Decimal()),
            ],
            by_model=[Spend(None, None, "big", 9, 0, Decimal(3)), Spend(None, None, "small", 1, 1, Decimal())],
            agencies=5,
        )
    )
    assert (spend.cost, spend.generations, spend.unpriced, spend.others) == (Decimal(3), 10, 1, 3)
    assert [(spender.name, spender.cost, spender.share) for spender in spend.spenders] == [
        ("Aurora", Decimal("1.5"), 1.0),
        ("b", Decimal("0.5"), 1 / 3),
    ]
    assert spend.models == [("big", Decimal(3)), ("small", Decimal())]


def test_numbers_and_times_are_said_the_brazilian_way():
    assert [SAYS.number(1234567), SAYS.number(0.5, 1), SAYS.number(None)] == ["1.234.567", "0,5", "—"]
    assert [SAYS.compact(999), SAYS.compact(12_340), SAYS.compact(1_200_000)] == ["999", "12,3 mil", "1,2 mi"]
    assert [SAYS.reais(Decimal("-1234.5")), SAYS.dollars(Decimal("0.00012"))] == ["−R$ 1.234,50", "US$ 0,0001"]
    assert SAYS.percent(0.1234) == "12,3%"
    spans = {
        0.084: "84 ms",
        2.309: "2,31 s",
        42.04: "42,0 s",
        249: "4 min 09 s",
        3725: "1 h 02 min",
        90_000: "1 d 01 h",
    }
    assert {seconds: SAYS.duration(seconds) for seconds in spans} == spans
    ages = {0: "agora", 5: "há 5 s", 200: "há 3 min", 7300: "há 2 h", -90: "em 1 min", 800_000: "15 nov"}
    assert {age: SAYS.ago(NOW - timedelta(seconds=age)) for age in ages} == ages
    assert Formatter("en", NOW).ago(NOW - timedelta(minutes=3)) == "3 min ago"
    assert SAYS.exact(NOW) == "24/11/2026 09:30:00,000 (São Paulo)"
    assert SAYS.month(NOW.date()) == "novembro de 2026"
