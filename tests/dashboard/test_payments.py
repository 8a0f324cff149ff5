"""The pages of payments."""

import asyncpg
import pytest
from support.browsing import operator, rows_of_all_pages
from support.guru import PRODUCT, body
from support.service import Service, running_server, running_service

from agenciaos_jobs.settings import Settings

NOBODY = {"contact__email": "nobody@example.com", "source": []}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO", "pro-monthly": "PRO"}})


async def deliver(service: Service, **changes: object) -> None:
    status, answer = await service.post("/webhooks/guru", body("tx_approved", **{**NOBODY, **changes}))
    assert status == 200
    await service.finished(answer["jobId"])


async def test_a_payment_of_nobody_is_assigned_and_applied(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        assert "Nenhum pagamento ainda" in (await browser.get("/payments"))[1]
        await deliver(service)
        _, page = await browser.get("/payments")
        for words in (
            "Pagamentos sem agência identificada",
            "nobody@example.com",
            "R$ 297,00",
            "sem agência conhecida",
        ):
            assert words in page, words
        number = await db.fetchval("SELECT id FROM jobs.payment_events")
        for agency in ("nobody", ""):
            status, page = await browser.post(f"/payments/{number}/assign", {"agency": agency})
            assert (status, "Não existe agência com este id" in page) == (422, True)
        status, path = await browser.post(f"/payments/{number}/assign", {"agency": "agency-125"})
        assert (status, path) == (303, f"/payments/{number}?done=assigned")
        again = await db.fetchval("SELECT id FROM jobs.runs WHERE source = 'assigned'")
        assert (await service.finished(again))["output"]["action"] == "activated"
        _, page = await browser.get(path)
        assert again in page
        assert "De que agência é?" not in page
        _, page = await browser.get("/payments")
        assert "Pagamentos sem agência identificada" not in page
        for words in ("FREE → PRO", "Cajueiro Conteúdo", "atribuído à mão"):
            assert words in page, words
        assert "FREE → PRO" in (await browser.get("/agencies/agency-125"))[1]
        taken = await db.fetchval("SELECT id FROM jobs.payment_events WHERE action = 'activated'")
        assert (await browser.post(f"/payments/{taken}/assign", {"agency": "agency-125"}))[0] == 409


async def test_what_the_application_reports_is_told_in_the_page_s_language(settings: Settings):
    reported = {"event": "payment.approved", "status": "paid", "amount": 97, "customerId": "nobody"}
    async with running_service(settings) as service, operator(service) as browser:
        await service.outcome("payment-webhook", {**reported, "productId": "pro-monthly"})
        await service.outcome("payment-webhook", {**reported, "customerId": "agency-123", "productId": "gold"})
        await service.outcome("payment-webhook", {**reported, "customerId": "agency-123", "productId": "pro-monthly"})
        _, page = await browser.get("/payments")
        for words in (
            "Pagamento aprovado, pago: recusado (a agência informada não existe).",
            "Pagamento aprovado, pago: recusado (o produto não está em PLAN_PRODUCTS).",
            "Pagamento aprovado, pago: plano FREE → PRO (assinatura ativa).",
        ):
            assert words in page, words
        _, page = await browser.get("/payments", **{"Accept-Language": "en"})
        assert "Payment approved, paid: rejected (there is no such agency)." in page


async def test_what_arrived_is_shown_masked_and_as_text(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        await deliver(service, contact__name="<script>alert(1)</script>", product__access_token="s3cret")
        number = await db.fetchval("SELECT id FROM jobs.payment_events")
        _, page = await browser.get(f"/payments/{number}")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "s3cret" not in page
        for path in ("/payments/0", "/payments/x", "/payments/99999999999999999999"):
            assert (await browser.get(path))[0] == 404
        browser.token = "stolen"
        assert (await browser.post(f"/payments/{number}/assign", {"agency": "agency-125"}))[0] == 403


async def test_payments_are_filtered_and_paged(settings: Settings, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.payment_events
             (run_id, source, event, occurred_at, recorded_at, action, reason, payload, agency_id,
              plan_before, plan_after)
           SELECT 'run_' || n, CASE WHEN n % 2 = 0 THEN 'guru' ELSE 'api' END, 'transaction', now(), now(),
                  CASE WHEN n % 4 = 0 THEN 'activated' ELSE 'unchanged' END, '', '{}', 'agency-' || 123 + n % 3,
                  'FREE', 'PRO'
           FROM generate_series(1, 120) AS n"""
    )
    async with running_server(settings) as service, operator(service) as browser:
        for query, expected in (
            ("", 120),
            ("?action=activated", 30),
            ("?source=guru", 60),
            ("?agency=agency-123&source=api", 20),
            ("?action=exploded", 120),
            ("?agency=none", 0),
        ):
            seen = await rows_of_all_pages(browser, f"/payments{query}")
            assert (len(seen), len(set(seen))) == (expected, expected), query
