"""generate-monthly-reports: every agency's month in one pass."""

from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FrozenClock
from support.service import Service, running_service

from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.settings import Settings

OCTOBER = date(2026, 10, 1)


async def add(db: asyncpg.Connection, table: str, *rows: tuple) -> None:
    for number, (agency, day, amount, category, *recurring) in enumerate(rows):
        extra = ', "isRecurring"' if recurring else ""
        await db.execute(
            f"""INSERT INTO {table} (id, "agencyId", description, amount, category, date, "updatedAt"{extra})
                VALUES ($1, $2, '', $3, $4, $5, now(){", $6" if recurring else ""})""",
            f"t-{table}-{number}-{agency}-{day}",
            agency,
            Decimal(amount),
            category,
            datetime.fromisoformat(day),
            *recurring,
        )


@pytest.fixture
async def clean(db: asyncpg.Connection) -> asyncpg.Connection:
    await db.execute("DELETE FROM revenues")
    await db.execute("DELETE FROM expenses")
    return db


async def report(db: asyncpg.Connection, agency: str = "agency-123", month: date = OCTOBER) -> asyncpg.Record:
    return await db.fetchrow("SELECT * FROM jobs.monthly_reports WHERE agency_id = $1 AND month = $2", agency, month)


async def test_every_figure_of_a_month(service: Service, clean: asyncpg.Connection):
    await add(
        clean,
        "revenues",
        ("agency-123", "2026-09-30", "800.00", "Mídia", False),
        ("agency-123", "2026-10-01", "1000.10", "Mídia", True),  # midnight UTC: the last of September in São Paulo
        ("agency-123", "2026-10-31", "500.00", "SEO", False),
        ("agency-123", "2026-11-01", "9999.99", "SEO", False),
    )
    await add(
        clean,
        "expenses",
        ("agency-123", "2026-09-15", "400.00", "Aluguel"),
        ("agency-123", "2026-10-05", "600.05", "Aluguel"),
        *[("agency-123", f"2026-10-{10 + n}", f"{n + 1}.00", f"C{n}") for n in range(6)],
    )
    run = await service.outcome("monthly-report", {"month": "2026-10"})
    found = await report(clean)
    assert found["revenue"] == Decimal("1500.10")
    assert found["expenses"] == Decimal("621.05")
    assert found["profit"] == Decimal("879.05")
    assert found["margin"] == Decimal("0.5860")
    assert (found["previous_revenue"], found["previous_expenses"]) == (800, 400)
    assert found["revenue_change"] == Decimal("0.8751")
    assert found["expenses_change"] == Decimal("0.5526")
    assert found["profit_change"] == Decimal("1.1976")
    assert found["recurring_share"] == Decimal("0.6667")
    assert found["top_revenue_categories"] == (
        '[{"amount": "1000.10", "category": "Mídia"}, {"amount": "500.00", "category": "SEO"}]'
    )
    assert [f'"C{n}"' in found["top_expense_categories"] for n in range(6)] == [False, False, True, True, True, True]
    output = run["output"]
    assert (output["month"], output["agencies"], output["created"], output["withoutMovement"]) == ("2026-10", 3, 3, 2)
    assert Decimal(output["revenue"]) == Decimal("1500.10")


async def test_an_agency_without_movement_gets_zeros(service: Service, clean: asyncpg.Connection):
    await service.outcome("monthly-report", {"month": "2026-10"})
    found = await report(clean, "agency-125")
    assert (found["revenue"], found["expenses"], found["profit"]) == (0, 0, 0)
    assert found["margin"] is found["revenue_change"] is found["recurring_share"] is None
    assert found["top_revenue_categories"] == "[]"


async def test_running_twice_changes_nothing_and_new_figures_do(service: Service, db: asyncpg.Connection):
    first = await service.outcome("monthly-report", {"month": "2026-10"})
    rows = await db.fetch("SELECT * FROM jobs.monthly_reports ORDER BY agency_id")
    second = await service.outcome("monthly-report", {"month": "2026-10"})
    assert await db.fetch("SELECT * FROM jobs.monthly_reports ORDER BY agency_id") == rows
    assert (first["output"]["created"], second["output"]["unchanged"]) == (3, 3)
    await add(db, "revenues", ("agency-124", "2026-10-20", "1.00", "Extra"))
    third = await service.outcome("monthly-report", {"month": "2026-10"})
    assert (third["output"]["updated"], third["output"]["unchanged"]) == (1, 2)


async def test_one_agency_alone(service: Service, db: asyncpg.Connection):
    run = await service.outcome("monthly-report", {"month": "2026-10", "agencyId": "agency-124"})
    assert run["output"]["agencies"] == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.monthly_reports") == 1
    missing = await service.outcome("monthly-report", {"agencyId": "nobody"})
    assert missing["error"]["name"] == "agency_not_found"


async def test_a_month_that_has_not_begun_is_refused(service: Service):
    run = await service.outcome("monthly-report", {"month": "2999-01"})
    assert (run["status"], run["error"]["name"]) == ("FAILED", "month_in_future")


async def test_the_default_is_the_month_before_now_in_sao_paulo(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(datetime(2026, 11, 1, 2, 0, tzinfo=UTC))  # still October in São Paulo
    async with running_service(settings, clock=clock) as service:
        assert (await service.outcome("monthly-report"))["output"]["month"] == "2026-09"
        clock.set(datetime(2026, 11, 1, 3, 0, tzinfo=UTC))
        assert (await service.outcome("monthly-report"))["output"]["month"] == "2026-10"


async def test_ai_use_belongs_to_the_month_in_sao_paulo(service: Service, db: asyncpg.Connection):
    for moment, status, cost in [
        ("2026-10-01T02:59:59Z", "completed", "1"),
        ("2026-10-01T03:00:00Z", "completed", "0.25"),
        ("2026-10-15T03:00:00Z", "failed", "0.50"),
        ("2026-11-01T02:59:59Z", "completed", None),
        ("2026-11-01T03:00:00Z", "completed", "8"),
    ]:
        await db.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                 input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, created_at)
               VALUES ('run_x', 1, 'agency-123', 'X', $1, 'm', 1, 1, 0, 1, 0, $2, $3)""",
            status,
            cost and Decimal(cost),
            datetime.fromisoformat(moment),
        )
    await service.outcome("monthly-report", {"month": "2026-10"})
    found = await report(db)
    assert (found["ai_generations"], found["ai_cost"]) == (2, Decimal("0.75"))


@given(st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_lies_within_its_month(moment: datetime):
    month = Month.of(moment)
    begin, end = month.bounds
    assert begin <= moment < end
    assert month.previous.bounds[1] == begin
    assert Month.parse(str(month)) == month.next.previous == month


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-1", "26-01", "2026-00", "0000-01", "9999-12", "2026-10 "]
)
def test_what_is_no_month_is_refused(text: str):
    with pytest.raises(ValueError, match="2026-10"):
        Month.parse(text)
