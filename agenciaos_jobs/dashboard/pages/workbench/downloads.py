"""Files made from a generated content: a document for Word, and ads for Meta's bulk import."""

import asyncio

from aiohttp import web

from agenciaos_jobs.ai_content.documents import meta_ads
from agenciaos_jobs.ai_content.documents.docx import CONTENT_TYPE, docx
from agenciaos_jobs.dashboard.content import Content, content_of
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.workbench.result import generation
from agenciaos_jobs.dashboard.rendering import HEADERS, formatter
from agenciaos_jobs.dashboard.store import run as dashboard_run
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import DATABASE
from agenciaos_jobs.http.problems import RequestError

_NO_CONTENT = Text("Esta execução não tem conteúdo de IA", "This run has no AI content")
_NO_ADS = Text("Só anúncios do Meta têm este arquivo", "Only ads for Meta have this file")


async def word(request: web.Request) -> web.StreamResponse:
    content, note = await _content(request)
    title = content.agent.name if content.agent else ""
    return _file(await asyncio.to_thread(docx, title, note, content.blocks), content, "docx", CONTENT_TYPE)


async def ads(request: web.Request) -> web.StreamResponse:
    content, note = await _content(request)
    if content.agent is None or content.agent.type != meta_ads.AGENT:
        raise RequestError(404, _NO_ADS)
    return _file(meta_ads.csv_of_ads(note, content.data), content, "csv", "text/csv; charset=utf-8")


async def _content(request: web.Request) -> tuple[Content, str]:
    """The run's content, and a line with the agency and the day."""
    run = await generation(request, request.match_info["run_id"])
    content = content_of(run)
    if content is None:
        raise RequestError(404, _NO_CONTENT)
    agency_id = run.agency_id or ""
    name = await dashboard_run.agency_name(request.app[DATABASE], agency_id) or agency_id
    return content, f"{name}, {formatter(request).moment(run.finished_at or run.created_at)}"


def _file(body: bytes, content: Content, suffix: str, content_type: str) -> web.Response:
    slug = content.agent.slug if content.agent else "conteudo"
    name = f"{slug}-{content.run_id[-8:]}.{suffix}"
    headers = {**HEADERS, "Content-Type": content_type, "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, headers=headers)


PAGES = [
    Page("GET", "/workbench/runs/{run_id}/content.docx", word),
    Page("GET", "/workbench/runs/{run_id}/ads.csv", ads),
]
