"""The API reference at /docs, made of the OpenAPI document."""

import json
import re

from support.browsing import Browser, operator, stranger
from support.service import Service, running_server

from agenciaos_jobs.dashboard import api_reference
from agenciaos_jobs.settings import Settings


async def pages(browser: Browser) -> dict[str, str]:
    return {language: (await browser.get("/docs", **{"Accept-Language": language}))[1] for language in ("pt-BR", "en")}


async def test_strangers_read_every_endpoint_and_schema_in_both_languages(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        _, document = await service.get("/openapi.json")
        shown = await pages(browser)
        async with browser.http.get("/docs") as response:
            policy = response.headers["Content-Security-Policy"]
            compressed = len(await response.text()), response.headers["Content-Encoding"]
    names = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    for page in shown.values():
        assert names <= set(re.findall(r'id="(\w+)"', page))
        assert set(re.findall(r'href="#([\w.-]+)"', page)) <= set(re.findall(r'id="([\w.-]+)"', page))
        assert len(re.findall(r'id="schema-', page)) == len(document["components"]["schemas"])
        assert re.findall(r'(?:src|href)="https?:', page) == []
        assert "<script>" not in page
        assert 'class="menu"' not in page
    assert "Executa de novo" in shown["pt-BR"]
    assert "Iniciar execuções" in shown["pt-BR"]
    assert "Runs again" in shown["en"]
    assert "Executa de novo" not in shown["en"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert compressed[1] in {"deflate", "gzip"}


async def test_operators_find_it_in_the_menu(service: Service):
    async with operator(service) as browser:
        assert 'href="/docs"' in (await browser.get("/"))[1]
        assert 'aria-current="page"' in (await browser.get("/docs"))[1]


async def test_the_server_is_the_public_url(settings: Settings):
    public = settings.model_copy(update={"public_url": "https://jobs.example.com"})
    async with running_server(public) as service, stranger(service) as browser:
        _, document = await service.get("/openapi.json")
        assert document["servers"] == [{"url": "https://jobs.example.com"}]
        assert "https://jobs.example.com" in (await browser.get("/docs"))[1]
    async with running_server(settings) as service:
        assert (await service.get("/openapi.json"))[1]["servers"] == [{"url": "/"}]


def test_types_are_shown_as_people_write_them():
    def text(schema: object) -> str:
        return "".join(kind.text for kind in api_reference.kinds(json.loads(json.dumps(schema))))

    assert text({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string | null"
    assert text({"type": "array", "items": {"$ref": "#/components/schemas/Run"}}) == "[Run]"
    assert text({"type": "integer", "minimum": 1, "maximum": 100}) == "integer ≥ 1 ≤ 100"
    assert text({"type": "string", "format": "date-time"}) == "date-time"
    assert text({"enum": ["a", "b"]}) == "a | b"
    assert text({}) == "any"
