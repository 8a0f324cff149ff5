"""The API reference at /docs, made of the OpenAPI document."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from support.api_document import api_document
from support.browsing import Browser, operator, stranger
from support.service import Service, running_server

from agenciaos_jobs.api.tags import TAGS
from agenciaos_jobs.dashboard.reference import portuguese, types
from agenciaos_jobs.settings import Settings

MAX_PAGE = 150_000
"""Bytes of a page before compression."""

PATHS = ("/docs", *(f"/docs/{tag.name}" for tag in TAGS))


async def pages(browser: Browser, language: str) -> dict[str, str]:
    """The pages of the reference by path; each links to all of them."""
    found = {path: (await browser.get(path, **{"Accept-Language": language}))[1] for path in PATHS}
    for page in found.values():
        assert set(PATHS) <= set(re.findall(r'href="([^"#]+)"', page))
    return found


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for path in document["paths"].values() for operation in path.values())


def descriptions(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "description" and isinstance(value, str):
                yield value
            else:
                yield from descriptions(value)
    elif isinstance(part, list):
        for value in part:
            yield from descriptions(value)


def english_texts(document: dict[str, Any]) -> set[str]:
    """The paragraphs of the document that are written in English only, without the defaults at their ends.

    Operations and jobs have their texts in both languages.
    """
    parts = [document["components"]["schemas"]]
    for operation in operations(document):
        bodies = [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
        parts += [operation.get("parameters"), *({**body, "oneOf": None} for body in bodies)]
    texts = [part for text in descriptions(parts) for part in portuguese.paragraphs(text)]
    return {re.sub(r"(\. |^)Default: .*$", "", text) for text in texts} - {""}


async def test_strangers_find_every_endpoint_and_schema_on_small_pages(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        _, document = await service.get("/openapi.json")
        portuguese_pages, english_pages = await pages(browser, "pt-BR"), await pages(browser, "en")
        async with browser.http.get("/docs/runs") as response:
            policy = response.headers["Content-Security-Policy"]
            size, encoding = len(await response.read()), response.headers["Content-Encoding"]
    for found in (portuguese_pages, english_pages):
        ids = {f"{path}#{name}" for path, page in found.items() for name in re.findall(r'\bid="([\w.-]+)"', page)}
        expected = {f"/docs/{operation['tags'][0]}#{operation['operationId']}" for operation in operations(document)}
        assert expected <= set(re.findall(r'href="(/docs/[^"#]+#[\w.-]+)"', found["/docs"])) <= ids
        for path, page in found.items():
            assert len(page.encode()) < MAX_PAGE, path
            assert {f"{path}{target}" for target in re.findall(r'href="(#[\w.-]+)"', page)} <= ids
            assert re.findall(r'(?:src|href)="https?:', page) == []
            assert "<script>" not in page
            assert 'class="menu"' not in page
            assert page.count('tabindex="0"') == (path == "/docs"), "the keyboard stops at links, and at the example"
        shown = set(re.findall(r"<h[34][^>]*><code>([\w.-]+)</code>", "".join(found.values())))
        assert set(document["components"]["schemas"]) <= shown
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert encoding in {"deflate", "gzip"}
    assert size < MAX_PAGE


def test_every_english_text_of_the_document_has_its_portuguese():
    texts, translated = english_texts(api_document()), set(portuguese.catalogue())
    assert texts - translated == set(), "translate these in dashboard/reference/portuguese.toml"
    assert translated - texts == set(), "the document has these no longer"
    assert all(portuguese.catalogue().values())


async def test_each_page_is_in_the_reader_s_language_alone(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        found = {language: await pages(browser, language) for language in ("pt", "en")}
    shown = {
        language: " ".join(unescape(re.sub(r"</?code>", "`", page)) for page in by_path.values()).replace("``", "`")
        for language, by_path in found.items()
    }
    texts = {
        (english.replace("``", "`"), text.replace("``", "`"))
        for english, text in portuguese.catalogue().items()
        if english != text and len(english) > len("The payload")
    }
    assert [text for english, text in texts if english not in shown["en"] or text in shown["en"]] == []
    assert [english for english, text in texts if text not in shown["pt"] or english in shown["pt"]] == []
    for path, page in found["pt"].items():
        assert re.findall(r">(Parameters|Body|Responses|Schemas|Default: [^<]*)<", page) == [], path
    assert "Gera os relatórios financeiros do mês" in shown["pt"]
    assert "Gera os relatórios financeiros do mês" not in shown["en"]
    assert "Generates the month's financial reports" not in shown["pt"]
    assert 'Padrão: "leading"' in shown["pt"]
    assert "Executa de novo" in shown["pt"]
    assert "Runs again" in shown["en"]


async def test_the_first_request_of_the_reference_is_accepted(service: Service):
    async with stranger(service) as browser:
        _, page = await browser.get("/docs")
    [command] = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)
    [body] = re.findall(r"-d '(.*?)'", unescape(command), re.S)
    assert (await service.post("/api/trigger", json.loads(body)))[0] == 200


async def test_operators_find_it_in_the_menu(service: Service):
    async with operator(service) as browser:
        assert 'href="/docs"' in (await browser.get("/"))[1]
        for path in ("/docs", "/docs/runs"):
            assert '<a href="/docs" aria-current="page"><svg' in (await browser.get(path))[1]
        assert (await browser.get("/docs/none", Accept="text/html"))[0] == 404


async def test_the_server_is_the_public_url(settings: Settings):
    public = settings.model_copy(update={"public_url": "https://jobs.example.com"})
    async with running_server(public) as service, stranger(service) as browser:
        _, document = await service.get("/openapi.json")
        assert document["servers"] == [{"url": "https://jobs.example.com"}]
        assert "curl -sS https://jobs.example.com/api/trigger" in (await browser.get("/docs"))[1]
    async with running_server(settings) as service:
        assert (await service.get("/openapi.json"))[1]["servers"] == [{"url": "/"}]


def test_texts_keep_their_defaults_and_what_has_no_portuguese():
    assert (
        portuguese.in_language("Such as\nthis.\n\nAnd that. Default: 7", "en") == "Such as this.\nAnd that. Default: 7"
    )
    assert portuguese.in_language("The payload. Default: {}", "pt") == "O payload. Padrão: {}"
    assert portuguese.in_language('Default: "id"', "pt") == 'Padrão: "id"'
    assert portuguese.in_language("Código da campanha", "pt") == "Código da campanha"
    assert portuguese.of_both("Ads / posts / Anúncios / posts", "pt") == "Anúncios / posts"


def test_types_are_shown_as_people_write_them():
    def text(schema: dict[str, Any]) -> str:
        return "".join(kind.text for kind in types.kinds(schema))

    assert text({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string | null"
    assert text({"type": "array", "items": {"$ref": "#/components/schemas/Run"}}) == "[Run]"
    assert text({"type": "integer", "minimum": 1, "maximum": 100}) == "integer ≥ 1 ≤ 100"
    assert text({"type": "string", "format": "date-time"}) == "date-time"
    assert text({"enum": ["a", "b"]}) == "a | b"
    assert text({}) == "any"
