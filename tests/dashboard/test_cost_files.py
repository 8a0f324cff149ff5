"""The costs as a file, who is near a limit, the message to an agency's owner, and the chart of a month."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browsing import operator, stranger
from support.clock import FrozenClock
from support.exported import sheet
from support.service import running_server
from support.spending import NOW, TWO_MONTHS, store, use

from agenciaos_jobs.dashboard.spend_chart import HEIGHT, decimal_top, spend_chart
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.settings import Settings


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


async def test_the_file_has_the_rows_of_the_page(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    await store(db, TWO_MONTHS)
    await db.execute("""UPDATE agencies SET name = '=HYPERLINK("http://x.example";"Aurora")' WHERE id = 'agency-123'""")
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs?model=big&page=1")
        links = [unescape(link) for link in re.findall(r'href="([^"]+)" download', page)]
        assert links == ["/costs.csv?model=big", "/costs.json?model=big"]
        rows = await sheet(browser, links[0])
        assert [row[1:7] for row in rows[1:]] == [
            ["agency-123", """'=HYPERLINK("http://x.example";"Aurora")""", "1", "0", "3", "4"],
            ["agency-124", "Bem-te-vi Digital", "2", "1", "7", "0"],
        ]
        async with browser.http.get("/costs.json?by=all&agency=agency-123") as response:
            assert response.headers["Content-Disposition"] == ('attachment; filename="custos-2026-11-2026-11-28.json"')
            found = json.loads(await response.read())
        assert found[1] == {
            "month": "2026-11",
            "agencyId": "agency-123",
            "agency": '=HYPERLINK("http://x.example";"Aurora")',
            "agent": "COPY",
            "model": "big",
            "generations": 1,
            "unpriced": 0,
            "costUsd": "3",
            "previousUsd": "4",
            "forecastUsd": "3.000000",
        }


async def test_agencies_at_80_and_at_100_percent_are_listed_with_a_message(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    settings = settings.model_copy(update={"plans": {"FREE": 100, "PRO": 500}})
    await use(db, "agency-123", 80)
    await use(db, "agency-124", 103)
    await use(db, "agency-125", 79)
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/costs")
        assert re.findall(r'data-limit="([^"]+)"', page) == ["agency-124", "agency-123"]
        for words in ("1 a 100%", "1 a 80% ou mais", '100<span class="quiet"> / 100'):
            assert words in page, words
        assert "data-limit" not in (await browser.get("/costs?month=2026-10"))[1]
        said = {}
        for agency in ("agency-123", "agency-124", "agency-125"):
            _, page = await browser.get(f"/costs/message/{agency}")
            said[agency] = unescape(re.search(r'id="message" lang="pt-BR">(.*?)</p>', page, re.S)[1])
            mail = urlsplit(unescape(re.search(r'href="(mailto:[^"]+)"', page)[1]))
            body = parse_qs(mail.query)
            assert " ".join(body["body"][0].split()) == " ".join(said[agency].split())
            assert body["subject"][0].endswith(": gerações de IA de novembro")
            chat = urlsplit(unescape(re.search(r'href="(https://wa.me/[^"]+)"', page)[1]))
            assert " ".join(parse_qs(chat.query)["text"][0].split()) == " ".join(said[agency].split())
        assert mail.path == "iara@cajueiro.example"
    assert "Olá, Marina! Tudo bem?" in said["agency-123"]
    assert "sua agência, Agência Aurora, usou 80 de 100 gerações de IA de novembro" in said["agency-123"]
    assert "Restam 20 gerações até 1º de dezembro" in said["agency-123"]
    assert "usou todas as gerações do plano FREE (103 de 100 gerações de IA de novembro)" in said["agency-124"]
    assert [agency for agency, text in said.items() if "um plano maior" in text] == ["agency-123", "agency-124"]


async def test_a_message_fits_a_plan_without_a_limit_and_an_owner_without_a_name(
    settings: Settings, db: asyncpg.Connection
):
    settings = settings.model_copy(update={"plans": {"PRO": 9}})
    await db.execute("UPDATE users SET name = NULL WHERE id = 'user-456'")
    december = FrozenClock(datetime(2026, 12, 31, 15, tzinfo=UTC))
    async with running_server(settings, december) as service, operator(service) as browser:
        _, page = await browser.get("/costs/message/agency-123")
        for words in ("Olá! Tudo bem?", "já fez 0 gerações de IA em dezembro", "não tem limite mensal"):
            assert words in page, words
        assert (await browser.get("/costs/message/nobody"))[0] == 404
        async with stranger(service) as visitor:
            for path in ("/costs", "/costs.csv", "/costs/message/agency-123"):
                status, target = await visitor.get(path)
                assert (status, target.startswith("/login?next=")) == (303, True)


MONEY = st.decimals(min_value=0, max_value=10**6, places=6)


@given(largest=MONEY)
def test_a_scale_holds_its_largest_value_and_is_no_larger_than_it_must_be(largest: Decimal):
    top = decimal_top(largest)
    assert top >= largest
    assert not largest or top <= 2 * largest


@given(
    month=st.builds(Month, st.integers(2024, 2027), st.integers(1, 12)),
    costs=st.dictionaries(st.integers(-31, 31), MONEY, max_size=20),
)
def test_a_chart_has_each_day_of_its_month_within_its_area(month: Month, costs: dict[int, Decimal]):
    chart = spend_chart(month, {month.first_day + timedelta(days=day): cost for day, cost in costs.items()})
    assert chart.days[0].day == month.first_day
    assert chart.days[-1].day + timedelta(days=1) == month.next.first_day
    assert sum(day.cost for day in chart.days) == sum(cost for day, cost in costs.items() if 0 <= day < len(chart.days))
    heights = [float(y) for _, y in (point.split(",") for point in chart.previous.split())]
    assert all(-0.01 <= y <= HEIGHT + 0.01 for y in heights)
    known = [day for day in chart.days if day.previous is not None]
    assert len(known) == min(len(chart.days), (month.first_day - month.previous.first_day).days)
    assert len(heights) == (len(known) if any(day.previous for day in known) else 0)
