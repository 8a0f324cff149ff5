"""A report as PDF, workbook, CSV and JSON, over HTTP."""

import csv
import io
import struct
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter

import asyncpg
import openpyxl
import pypdf
import pytest
from support.bookkeeping import AURORA, earn, spend
from support.public_tokens import token
from support.service import Service

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.documents import pdf
from agenciaos_jobs.reports.documents.view import view
from agenciaos_jobs.reports.documents.xlsx import xlsx
from agenciaos_jobs.reports.numbers.figures import Figures
from agenciaos_jobs.reports.numbers.sentences import sentences
from agenciaos_jobs.reports.store.revisions import Revision

PATH = f"/api/reports/{AURORA}/2026-10"
FMT = Formatter("pt", datetime(2026, 11, 27, tzinfo=UTC))
LONG = "Agência de Marketing Digital, Publicidade e Produção Audiovisual do Vale do Paraíba Paulista Ltda. ME " * 2


@pytest.fixture
async def reported(november: Service, books: asyncpg.Connection) -> Service:
    """Aurora's October: more revenue than in September, by Site."""
    await earn(books, "2026-09-05", "1000.00", "Mídia")
    await earn(books, "2026-10-05", "1000.00", "Mídia", client="client-1", project="project-1")
    await earn(books, "2026-10-06", "500.50", "=Site", recurring=True)
    await spend(books, "2026-10-07", "300.25", "Salários")
    for month in ("2026-09", "2026-10"):
        await november.outcome("monthly-report", {"month": month})
    return november


def figures(**changes: object) -> Figures:
    stored = {
        "revenue": "100.00", "expenses": "40.00", "previous_revenue": "80.00", "previous_expenses": "50.00",
        "revenue_adjustments": "0.00", "expense_adjustments": "0.00", "recurring": "10.00", "contracted": "20.00",
        "earned": " ".join(["80.00"] * 12 + ["100.00"]), "spent": " ".join(["50.00"] * 12 + ["40.00"]),
        "sections": None, "agents": None, "ai_generations": 0, "ai_cost": "0",
    }  # fmt: skip
    snapshot = {"plan": "FREE", "plan_changes": [], "clients": None, "projects": None, "tasks": None}
    return Figures.read(date(2026, 10, 1), stored | changes, snapshot | {"usd_brl": None, "tax_rate": None})


async def test_the_pdf_is_two_tagged_pages_with_fonts_and_text(reported: Service):
    async with reported.http.get(f"{PATH}.pdf") as response:
        body = await response.read()
        assert (response.status, response.content_type) == (200, "application/pdf")
        assert response.headers["Content-Disposition"] == 'inline; filename="relatorio-2026-10-agency-123.pdf"'
    document = pypdf.PdfReader(io.BytesIO(body))
    catalog = document.trailer["/Root"]
    assert (len(document.pages), len(body) < 200_000) == (2, True)
    assert (catalog["/MarkInfo"]["/Marked"], "/StructTreeRoot" in catalog, catalog["/Lang"]) == (True, True, "pt")
    for page in document.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
        for font in page["/Resources"]["/Font"].values():
            described = font["/DescendantFonts"][0]["/FontDescriptor"]
            assert "/FontFile3" in described or "/FontFile2" in described
    text = " ".join(document.pages[0].extract_text().split()).replace("\u00a0", " ")
    assert "Agência Aurora" in text
    assert "Outubro de 2026" in text
    assert "A receita subiu 50,0%, para R$ 1.500,50, puxada por =Site (+R$ 500,50)." in text
    notes = " ".join(document.pages[1].extract_text().split())
    assert "nem regime de caixa, nem de competência" in notes


def of(given: Figures) -> Revision:
    return Revision(AURORA, "Aurora", False, Month(2026, 10), 1, None, given, None, FMT.now)


HARD = {
    "zeros": figures(**dict.fromkeys(("revenue", "expenses", "previous_revenue", "previous_expenses"), "0.00")),
    "negative": figures(
        revenue="-1250.40", expenses="123456789.99", earned=" ".join(["-1.00"] * 13), revenue_adjustments="-1500.00",
        sections={"revenue_categories": [{"category": "Estorno", "amount": "-1250.40"}]},
    ),
    "forty categories": figures(
        sections={
            name: [{"category": f"Categoria de nome comprido, número {n}", "amount": f"{99 - n}.00"} for n in range(40)]
            for name in ("revenue_categories", "expense_categories", "clients", "projects")
        },
        agents=[{"agent": "META_ADS_COPY_" + "X" * 30, "generations": n, "cost": "0.1"} for n in range(31)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HARD)
def test_hard_figures_fit_two_pages_that_render_as_pictures(case: str):
    report = replace(of(HARD[case]), agency_name=LONG, covers_until=date(2026, 10, 27))
    shown = view(report, None, FMT, ["Uma frase de um modelo, que também ocupa espaço."] * 3)
    pdf.render(view(of(figures()), None, FMT))  # Typst's own start is not a document's time
    began = perf_counter()
    body = pdf.render(shown)
    assert perf_counter() - began < 3  # 0.1 s on its own; other tests share the processors
    assert (len(pypdf.PdfReader(io.BytesIO(body)).pages), len(body) < 200_000) == (2, True)
    pages = pdf.render(shown, "png", 40)
    sizes = [struct.unpack(">II", page[16:24]) for page in pages]
    assert [(page[:4], size) for page, size in zip(pages, sizes, strict=True)] == [(b"\x89PNG", (331, 468))] * 2


async def test_the_workbook_has_numbers_dates_and_a_sheet_per_section(reported: Service):
    async with reported.http.get(f"{PATH}.xlsx") as response:
        book = openpyxl.load_workbook(io.BytesIO(await response.read()))
    assert book.sheetnames == [
        "Resumo", "Meses", "Receitas", "Despesas", "Clientes", "Projetos", "IA", "Atividade", "Sobre",
    ]  # fmt: skip
    rows = {row[0].value: row for row in book["Resumo"].iter_rows(min_row=2)}
    assert (rows["Receitas"][1].value, rows["Receitas"][2].value) == (1500.5, 1000)
    assert "R$" in rows["Receitas"][1].number_format
    assert rows["Mês"][1].value == datetime(2026, 10, 1)
    assert rows["Mês"][1].is_date
    assert [cell.value for cell in book["Receitas"][3]][:2] == ["=Site", 500.5]
    assert book["Receitas"]["A3"].data_type == "s"
    assert book["Meses"].max_row == 14
    assert [cell.value for cell in book["Clientes"][2]][:2] == ["TechCel", 1000]


async def test_the_csv_has_the_agency_s_line(reported: Service):
    async with reported.http.get(f"{PATH}.csv") as response:
        rows = list(csv.reader(io.StringIO((await response.read()).decode("utf-8-sig")), delimiter=";"))
    assert [row[1] for row in rows] == ["Agência", "Agência Aurora"]
    assert rows[1][3:6] == ["1500,50", "300,25", "1200,25"]


async def test_the_json_is_exact_and_revalidated_by_revision(reported: Service, books: asyncpg.Connection):
    async with reported.http.get(PATH) as response:
        body, etag = await response.json(), response.headers["ETag"]
    assert (body["agencyName"], body["month"], body["revision"]) == ("Agência Aurora", "2026-10", 1)
    assert (body["figures"]["revenue"], body["figures"]["contracted"]) == ("1500.50", "500.50")
    assert body["figures"]["revenueCategories"][0] == {"name": "Mídia", "amount": "1000.00", "others": 0}
    for path in (PATH, f"{PATH}.pdf", f"{PATH}.xlsx", f"{PATH}.csv"):
        async with reported.http.get(path) as response:
            tag = response.headers["ETag"]
        async with reported.http.get(path, headers={"If-None-Match": f'"x", {tag}'}) as response:
            assert (response.status, await response.read()) == (304, b"")
    await earn(books, "2026-10-09", "1.00")
    await reported.outcome("monthly-report", {"month": "2026-10"})
    async with reported.http.get(PATH, headers={"If-None-Match": etag}) as response:
        assert (response.status, (await response.json())["changes"]["revenue"]) == (200, ["1500.50", "1501.50"])


async def test_the_list_goes_page_by_page(reported: Service):
    seen, after = [], ""
    while after is not None:
        status, page = await reported.get(f"/api/reports?limit=2&after={after}")
        assert status == 200
        seen += [(each["month"], each["agencyId"]) for each in page["data"]]
        after = page.get("next")
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 6
    _, own = await reported.get(f"/api/reports?month=2026-10&agencyId={AURORA}")
    assert [(each["month"], each["agencyId"]) for each in own["data"]] == [("2026-10", AURORA)]


async def test_a_report_that_does_not_exist_is_404_with_a_sentence_and_a_wrong_query_422(reported: Service):
    for path in (f"/api/reports/{AURORA}/2020-01", f"{PATH}-x", "/api/reports/nobody/2026-10.pdf"):
        status, body = await reported.get(path)
        assert (status, body["error"]) == (404, "Esta agência não tem relatório deste mês")
    for query in ("month=2026-13", "limit=0", "limit=101", "after=x"):
        status, body = await reported.get(f"/api/reports?{query}")
        assert (status, body["errors"][0]["field"]) == (422, query.partition("=")[0])


async def test_a_public_token_reads_the_reports_of_its_scope(reported: Service):
    for scope, path, expected in (
        (f"read:reports:{AURORA}", f"{PATH}.pdf", 200),
        (f"read:reports:{AURORA}", f"/api/reports?agencyId={AURORA}", 200),
        ("read:reports", "/api/reports", 200),
        ("read:all", PATH, 200),
        (f"read:reports:{AURORA}", "/api/reports", 403),
        (f"read:reports:{AURORA}", "/api/reports/agency-124/2026-10", 403),
        ("read:runs", PATH, 403),
        ("read:runs", "/api/reports", 403),
    ):
        headers = {"Authorization": f"Bearer {token(scope, life=timedelta(days=9999))}"}
        async with reported.http.get(path, headers=headers) as response:
            assert response.status == expected, (scope, path)


def test_the_sentences_name_what_moved_the_revenue_and_never_a_share_of_nothing():
    def said(now: Figures, before: Figures | None = None) -> str:
        return " ".join(sentences(now, before, FMT))

    def lines(**amounts: str) -> dict[str, object]:
        return {"revenue_categories": [{"category": name, "amount": amount} for name, amount in amounts.items()]}

    risen = figures(sections=lines(Site="60.00", Mídia="40.00"))
    assert "puxada por Site (+R$ 40,00)" in said(risen, figures(sections=lines(Site="20.00", Mídia="60.00")))
    fallen = figures(revenue="40.00", sections=lines(Site="40.00"))
    assert "caiu 50,0%, para R$ 40,00, puxada por Mídia (−R$ 60,00)" in said(
        fallen, figures(sections=lines(Mídia="60.00"))
    )
    assert "A receita foi de R$ 100,00." in said(figures(previous_revenue="-80.00"))
    assert "prejuízo de R$ 20,00" in said(figures(revenue="20.00"))
    assert said(figures(revenue="0.00", expenses="0.00")) == "Nenhuma receita ou despesa foi lançada no mês."
    assert "TechCel responde por 60,0%" in said(
        figures(sections={"clients": [{"category": "TechCel", "amount": "60.00"}]})
    )


def test_a_partial_report_with_a_tax_rate_says_both_in_every_document():
    report = replace(of(replace(figures(), tax_rate=Decimal("0.06"))), covers_until=date(2026, 10, 27))
    shown = pypdf.PdfReader(io.BytesIO(pdf.render(view(report, None, FMT))))
    text = " ".join(" ".join(page.extract_text() for page in shown.pages).split()).replace("\u00a0", " ")
    assert "Parcial: até 27/10/2026" in text
    assert "6,0% da receita R$ 6,00" in text
    book = openpyxl.load_workbook(io.BytesIO(xlsx(report, FMT)))
    rows = {row[0]: row[1:] for row in book["Resumo"].iter_rows(min_row=2, values_only=True)}
    assert (rows["Mês"][1], rows["Impostos (estimativa)"][0]) == ("Parcial: até 27/10/2026", 6)


def test_growth_and_shares_have_no_value_on_a_base_of_zero_or_below():
    cards = view(of(figures(previous_revenue="-10.00", previous_expenses="0.00", revenue="-5.00")), None, FMT)["cards"]
    assert [card["change"] for card in cards[:2]] == ["—", "—"]
    assert cards[3]["value"] == "—"
