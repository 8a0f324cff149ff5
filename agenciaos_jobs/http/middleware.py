"""Middleware around every request: id, log line, metrics, and uniform errors."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from agenciaos_jobs.foundation import logs, metrics, tracing
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.http import auth, body, cors, problems, public_url, rate_limits, shutdown
from agenciaos_jobs.http.keys import BODY, CLOCK, PROBLEM_PAGE, QUOTA, REQUEST_ID
from agenciaos_jobs.http.public_url import PUBLIC_URL

log = structlog.get_logger("agenciaos_jobs.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_USABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_HSTS = "max-age=31536000"
_QUIET = {"/healthz", "/readyz", "/metrics"}


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Assigns the request id (a usable one of the caller's is kept), logs the request and counts it."""
    began = time.perf_counter()
    if request.match_info.http_exception and "//" in request.path:
        request = await _with_single_slashes(request)
        handler = request.match_info.handler
    given = request.headers.get("X-Request-Id")
    request_id = given if given and _USABLE_ID.fullmatch(given) else request.app[CLOCK].new_id("req")
    request[REQUEST_ID], request[BODY], request[QUOTA] = request_id, None, None
    route = request.match_info.route.resource
    path = route.canonical if route else "unmatched"
    trace_id = tracing.resume(request.headers.get("traceparent"))
    logs.bind_context(request_id=request_id, **({"trace_id": trace_id} if trace_id else {}))
    with tracing.span(f"{request.method} {path}", "server") as span:
        response = await _with_errors_as_responses(request, handler)
        span.set_attribute("http.response.status_code", response.status)
        duration = time.perf_counter() - began
        response.headers["X-Request-Id"] = request_id
        rate_limits.add_rate_limit_headers(request, response)
        shutdown.close_when_draining(request, response)
        cors.add_headers(request, response)
        metrics.count_request(request.method, path, response.status, duration)
        log_request = log.debug if path in _QUIET and response.status < 400 else log.info
        log_request("request", method=request.method, path=path, status=response.status, duration=round(duration, 4))
    return response


async def _with_single_slashes(request: web.Request) -> web.Request:
    """The request as if its path had single slashes: an address that ends in a slash makes double ones."""
    path = re.sub("//+", "/", request.rel_url.raw_path)
    merged = request.clone(rel_url=request.rel_url.with_path(path, encoded=True, keep_query=True))
    match = await request.app.router.resolve(merged)
    match.add_app(request.app)
    match.freeze()
    merged._match_info = match  # aiohttp resolves once, before any middleware
    return merged


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Removes aiohttp's name and version. Adds HSTS where ``PUBLIC_URL`` is https, and its path to redirects."""
    response.headers.pop("Server", None)
    if request.app[PUBLIC_URL].scheme == "https":
        response.headers["Strict-Transport-Security"] = _HSTS
    location = response.headers.get("Location", "")
    if location.startswith("/"):
        response.headers["Location"] = public_url.root(request) + location


def _refused(request: web.Request) -> web.Response | None:
    """Refuses and counts what no handler counts: an unknown address, a compressed body, an address with U+0000."""
    is_compressed = body.is_compressed(request)
    if is_compressed or "%00" in request.raw_path or request.match_info.http_exception:
        auth.count(request)
    if is_compressed:
        raise body.compressed()
    return body.refused_for_nul(request)


async def _with_errors_as_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return cors.preflight_response(request) or _refused(request) or await handler(request)
    except DomainError as raised:
        error = raised
        if isinstance(raised, DatabaseUnavailableError):
            log.error("database_unavailable", error=type(raised).__name__)
    except web.HTTPException as raised:
        error = problems.from_http(raised)
    except Exception:
        log.exception("request_failed")
        error = problems.internal()
    page_of = request.app.get(PROBLEM_PAGE)
    page = page_of(request, error) if page_of else None
    return problems.problem_response(request, error) if page is None else page
