"""What AI costs: a month against the one before, by agency, agent and model."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape

import asyncpg
import pytest
from support.browsing import operator, rows_of_all_pages
from support.clock import FrozenClock
from support.exported import sheet
from support.service import running_server
from support.spending import NOW, TWO_MONTHS, november, store

from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.foundation import database
from agenciaos_jobs.settings import Settings

LAST_YEAR = NOW.replace(year=NOW.year - 1)


def part(page: str, row: str) -> str:
    """A row of the table."""
    found = re.search(rf'<tr data-row="{re.escape(row)}">.*?</tr>', page)
    assert found, row
    return found[0]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


async def test_a_month_is_compared_with_the_same_days_of_the_one_before_and_forecast(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    await store(db, TWO_MONTHS)
    async with running_server(settings, clock) as service, operator(service) as browser:
        status, page = await browser.get("/costs")
        assert status == 200
        stats = page.partition('<dl class="stats money spend">')[2].partition("</dl>")[0]
        for words in (
            "<dd>US$ 10,50</dd><dd>5 gerações, 1 sem preço</dd>",
            "<dd>US$ 10,00</dd><dd>o mês inteiro</dd>",
            "+162,6%",
            "US$ 4,00 até o mesmo dia",
            "US$ 13,18",  # 10.504 and 7.504 of the last 7 days for each of the 2.5 days that are left
            "pela média de 7 dias",
        ):
            assert words in stats, words
        assert "R$ " not in page.replace("US$ ", "")
        aurora = part(page, "agency-123")
        for words in ("Agência Aurora", "US$ 3,50", "US$ 4,00", "−12,5%", "/costs/message/agency-123"):
            assert words in aurora, words
        gone = part(page, "gone")
        assert "Agência excluída ou desconhecida" in gone
        assert "US$ 0,0040" in gone
        assert "/costs/message/" not in gone
        _, page = await browser.get("/costs", **{"Accept-Language": "en"})
        for words in ("US$10.50", "5 generations, 1 without a price", "from the mean of 7 days", "Near the limit"):
            assert (words in page) == (words != "Near the limit"), words


async def test_what_people_think_of_contents_stands_beside_their_costs(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    await store(db, TWO_MONTHS)
    agent = await db.fetchval("SELECT agent_type FROM jobs.ai_generations WHERE agency_id = 'agency-123' LIMIT 1")
    for author, is_good, at in (
        ("ana", True, NOW),
        ("bia", True, NOW),
        ("caio", False, NOW),
        ("ana", False, LAST_YEAR),
    ):
        await db.execute(
            "INSERT INTO jobs.ai_feedback VALUES ($1, $2, 'agency-123', $3, $4, NULL, $5)",
            f"run_{at:%Y}",
            author,
            agent,
            is_good,
            at,
        )
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs")
        assert re.findall(r'title="(boas|ruins)">.*?</svg> (\d)', part(page, "agency-123")) == [
            ("boas", "2"),
            ("ruins", "1"),
        ]
        assert "Avaliações" in (await browser.get("/costs?by=agent"))[1]
        assert "Avaliações" not in (await browser.get("/costs?by=model"))[1]
        async with browser.http.get("/costs.json?by=agency") as response:
            rows = {row["agencyId"]: (row["good"], row["bad"]) for row in await response.json()}
        assert (rows["agency-123"], rows["gone"]) == ((2, 1), (0, 0))


async def test_a_month_that_is_over_is_compared_as_a_whole_and_not_forecast(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    await store(db, TWO_MONTHS)
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs?month=2026-10")
        assert "US$ 10,00" in page
        assert "Previsão" not in page
        assert 'aria-label="Mês seguinte"' in page
        _, empty = await browser.get("/costs?month=2026-08")
        assert "Nenhum gasto neste mês" in empty
        for month in ("2026-13", "soon", "0001-01"):
            assert (await browser.get(f"/costs?month={month}"))[0] == 404
    clock.set(datetime(2026, 12, 2, 15, tzinfo=UTC))
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs?month=2026-11")
        assert "<dd>US$ 10,00</dd><dd>o mês inteiro</dd>" in page
        assert "+5,0%" in page


async def test_months_begin_at_midnight_in_sao_paulo(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    last, first = datetime(2026, 11, 1, 2, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 3, tzinfo=UTC)
    await store(db, [("agency-123", "COPY", "m", "1", last), ("agency-123", "COPY", "m", "20", first)])
    async with running_server(settings, clock) as service, operator(service) as browser:
        for month, cost in (("2026-10", "1,00"), ("2026-11", "20,00")):
            _, page = await browser.get(f"/costs?month={month}")
            assert f"<dd>US$ {cost}</dd><dd>1 geração</dd>" in page, month


async def test_days_cost_the_same_before_and_after_they_are_counted(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    await store(db, TWO_MONTHS)
    paths = ("/costs", "/costs?by=all&sort=name", "/costs?month=2026-10", "/costs?agency=agency-124&model=big")
    async with running_server(settings, clock) as service, operator(service) as browser:
        before = [(await browser.get(path))[1] for path in paths]
        pool = await database.connect(settings.database_url.get_secret_value(), size=1)
        assert await spend.count_closed_days(pool, NOW) == 57
        assert await spend.count_closed_days(pool, NOW) == 0
        await pool.close()
        assert await db.fetchval("SELECT sum(generations) FROM jobs.ai_agent_days") == 6
        assert [(await browser.get(path))[1] for path in paths] == before


async def test_reais_and_the_budget_are_shown_where_they_are_set(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    settings = settings.model_copy(update={"usd_brl": Decimal("5.5"), "ai_budget_usd": Decimal(20)})
    await store(db, TWO_MONTHS)
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs")
        for words in ("R$ 57,77", "US$ 20,00", "53% gastos, 66% previstos"):
            assert words in page, words
        assert "R$ 19,25" in part(page, "agency-123")
        assert "Orçamento" not in (await browser.get("/costs?agency=agency-123"))[1]
        rows = await sheet(browser, "/costs.csv")
        assert rows[0][6] == "Custo (R$)"
        assert rows[1][6] == "19,25"


SORTED = {
    "cost": ["agency-124", "agency-123", "gone"],
    "generations": ["agency-123", "agency-124", "gone"],
    "previous": ["agency-123", "agency-124", "gone"],
    "change": ["agency-123", "agency-124", "gone"],
    "forecast": ["agency-124", "agency-123", "gone"],
}


async def test_columns_are_sorted_by_links_that_keep_the_filter(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    await store(db, TWO_MONTHS)
    async with running_server(settings, clock) as service, operator(service) as browser:
        for key, expected in SORTED.items():
            _, page = await browser.get(f"/costs?sort={key}")
            assert re.findall(r'data-row="([^"]+)"', page) == expected, key
        assert await rows_of_all_pages(browser, "/costs?sort=name") == ["agency-123", "agency-124", "gone"]
        _, page = await browser.get("/costs?model=big")
        heads = {
            re.sub(r"<.*", "", text): (sort or "", unescape(link))
            for sort, link, text in re.findall(
                r'<th scope="col" class="\w*" (?:aria-sort="(\w+)")?>\s*<a class="sorter" href="([^"]+)">(.*?)</a>',
                page,
            )
        }
        assert heads["Nov 26"] == ("descending", "/costs?model=big&order=asc")
        assert heads["Agência"] == ("", "/costs?model=big&sort=name")
        assert heads["Variação"] == ("", "/costs?model=big&sort=change")
        _, page = await browser.get(heads["Nov 26"][1])
        assert re.findall(r'data-row="([^"]+)"', page) == ["agency-123", "agency-124"]
        assert 'aria-sort="ascending"' in page
        for query in ("sort=price", "order=sideways", "by=owner", "page=0", "page=x", "page=99999999"):
            assert (await browser.get(f"/costs?{query}"))[0] == 200, query


async def test_rows_are_grouped_filtered_and_paged(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    await store(db, TWO_MONTHS)
    async with running_server(settings, clock) as service, operator(service) as browser:
        for query, expected in (
            ("by=agent", ["BLOG", "COPY"]),
            ("by=model", ["big", "small"]),
            ("by=all&agency=agency-123", ["agency-123/COPY/big", "agency-123/BLOG/small"]),
            ("agent=COPY", ["agency-123"]),
            ("agency=nobody", []),
        ):
            assert await rows_of_all_pages(browser, f"/costs?{query}") == expected, query
        await store(db, (("agency-123", f"AGENT_{number}", "m", "1", november(3)) for number in range(110)))
        seen = await rows_of_all_pages(browser, "/costs?by=agent&agency=agency-123")
        assert (len(seen), len(set(seen))) == (112, 112)
