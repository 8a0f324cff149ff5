"""The workbook as LibreOffice shows it to somebody in Brazil."""

import csv
import re
import shutil
from pathlib import Path

import asyncpg
import pytest
from support.bookkeeping import AURORA, earn, spend
from support.processes import run
from support.service import Service

SOFFICE = shutil.which("soffice", path="/usr/bin:/usr/local/bin")
BRAZILIAN = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale"><value>pt-BR</value></prop></item>
</oor:items>"""
CSV = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,true,false,false,-1"
"""A file for each sheet, in UTF-8, with semicolons and with the cells as they are shown."""
ERROR = re.compile(r"#|\bErr(o)?:\d")
"""What LibreOffice shows in a cell that is an error or too narrow: #DIV/0!, #NOME?, Erro:502, ###."""


async def shown(book: Path) -> dict[str, list[list[str]]]:
    """The cells of each sheet, as LibreOffice shows them with Brazilian settings."""
    profile, out = book.parent / "profile", book.parent / "sheets"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(BRAZILIAN)
    options = (f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", CSV, "--outdir", str(out))
    code, text = await run(str(SOFFICE), *options, str(book), cwd=book.parent)
    assert code == 0, text
    return {
        file.stem.removeprefix(f"{book.stem}-"): list(csv.reader(file.read_text("utf-8").splitlines(), delimiter=";"))
        for file in out.iterdir()
    }


@pytest.mark.slow
@pytest.mark.skipif(not SOFFICE, reason="soffice is not installed (Debian: libreoffice-calc-nogui)")
async def test_libreoffice_shows_every_figure_as_in_brazil_and_no_error(
    november: Service, books: asyncpg.Connection, tmp_path: Path
):
    await earn(books, "2026-09-05", "1000.00", "Mídia")
    await earn(books, "2026-10-05", "1234567.89", "Mídia", client="client-1")
    await earn(books, "2026-10-06", "-500.50", "=1/0", recurring=True)
    await spend(books, "2026-10-07", "300.25", "Salários")
    await november.outcome("monthly-report", {"month": "2026-10"})
    async with november.http.get(f"/api/reports/{AURORA}/2026-10.xlsx") as response:
        (tmp_path / "relatorio.xlsx").write_bytes(await response.read())
    sheets = await shown(tmp_path / "relatorio.xlsx")
    assert set(sheets) == {
        "Resumo", "Meses", "Receitas", "Despesas", "Clientes", "Projetos", "IA", "Atividade", "Sobre",
    }  # fmt: skip
    assert sheets["Resumo"][1:6] == [
        ["Agência", "Agência Aurora", "", ""],
        ["Mês", "10/2026", "", ""],
        ["Receitas", "R$ 1.234.067,39", "R$ 1.000,00", "123306,7%"],
        ["Despesas", "R$ 300,25", "R$ 0,00", ""],
        ["Resultado", "R$ 1.233.767,14", "R$ 1.000,00", "123276,7%"],
    ]
    assert sheets["Receitas"][1:] == [["Mídia", "R$ 1.234.567,89", "100,0%"], ["=1/0", "-R$ 500,50", "0,0%"]]
    assert sheets["Meses"][13] == ["10/2026", "R$ 1.234.067,39", "R$ 300,25", "R$ 1.233.767,14", "100,0%"]
    cells = [cell for rows in sheets.values() for row in rows for cell in row]
    assert [cell for cell in cells if ERROR.search(cell)] == []
