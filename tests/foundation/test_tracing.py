"""One trace from the request through queue, attempt, SQL and OpenAI, as an OTLP receiver gets it; nothing when off."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support.double import OpenAIDouble
from support.processes import worker
from support.service import Service, running_server, running_service

from agenciaos_jobs.foundation import tracing
from agenciaos_jobs.settings import Settings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


@dataclass
class Receiver:
    """Takes OTLP over HTTP, as collectors do."""

    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            names = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
            self.services.add(names["service.name"])
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> Span:
        (found,) = [span for span in self.spans if span.name == name and span.trace_id.hex() == TRACE_ID]
        return found


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    received = Receiver()
    app = web.Application()
    app.router.add_post("/v1/traces", received.take)
    async with TestServer(app) as server:
        yield received, str(server.make_url("/")).rstrip("/")


async def test_one_trace_from_the_request_to_the_model(
    settings: Settings, receiver: tuple[Receiver, str], openai_double: OpenAIDouble
):
    received, url = receiver
    openai_double.fails(503)
    async with running_service(settings.model_copy(update={"otel_exporter_otlp_endpoint": url})) as service:
        status, body = await service.post("/api/trigger", {"type": "ai-content", "payload": AI}, traceparent=PARENT)
        assert status == 200
        run = await service.finished(body["jobId"])
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert received.services == {"agenciaos-jobs"}
    mine = [span for span in received.spans if span.trace_id.hex() == TRACE_ID]
    request = received.named("POST /api/trigger")
    assert (request.parent_span_id.hex(), request.kind) == ("00f067aa0ba902b7", Span.SPAN_KIND_SERVER)
    attempts = sorted(
        (span for span in mine if span.name == "run generate-ai-content"), key=lambda s: s.start_time_unix_nano
    )
    assert [span.parent_span_id for span in attempts] == [request.span_id] * 2
    assert [span.status.code for span in attempts] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]
    calls = [span for span in mine if span.name == "openai responses"]
    assert {span.parent_span_id for span in calls} == {span.span_id for span in attempts}
    queries = {span.name for span in mine if span.parent_span_id == attempts[0].span_id} - {"openai responses"}
    assert {"ai_content.generations.reserve", "engine.runs.retry"} <= queries
    assert "engine.runs.insert" in {span.name for span in mine if span.parent_span_id == request.span_id}
    attributes = {entry.key: entry.value for entry in attempts[0].attributes}
    assert attributes["messaging.message.id"].string_value == run["id"]
    assert "Smartphone" not in str(received.spans)


@pytest.mark.slow
async def test_a_text_in_the_background_is_one_trace_over_processes(
    settings: Settings, receiver: tuple[Receiver, str], openai_double: OpenAIDouble, tmp_path: Path
):
    received, url = receiver
    openai_double.in_background = True
    article = {"agencyId": "agency-123", "agentType": "BLOG_ARTICLE", "input": {"tema": "Smartphones"}}
    server = running_server(settings.model_copy(update={"otel_exporter_otlp_endpoint": url}))
    async with server as service, worker(settings, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=url) as working:
        _, body = await service.post("/api/trigger", {"type": "ai-content", "payload": article}, traceparent=PARENT)
        openai_double.writes(await openai_double.asked())
        assert (await service.finished(body["jobId"]))["status"] == "COMPLETED"
        working.interrupt(signal.SIGTERM)
        assert await working.ends(30) == 0
    request = received.named("POST /api/trigger")
    mine = [span for span in received.spans if span.trace_id.hex() == TRACE_ID]
    parts = {span.span_id for span in mine if span.name == "run generate-ai-content"}
    assert len(parts) >= 2, "asked for, and looked at"
    assert {span.parent_span_id for span in mine if span.span_id in parts} == {request.span_id}
    assert {span.parent_span_id for span in mine if span.name == "openai responses"} == parts


async def test_logs_and_runs_know_the_trace_without_opentelemetry(service: Service, capsys: pytest.CaptureFixture[str]):
    headers = {"traceparent": PARENT}
    _, body = await service.post("/api/trigger", {"type": "monthly-report", "payload": {"month": "2999-01"}}, **headers)
    await service.finished(body["jobId"])
    _, other = await service.post("/api/trigger", {"type": "monthly-report", "payload": {"month": "2999-01"}})
    await service.finished(other["jobId"])
    told = capsys.readouterr().out.splitlines()
    for run_id, knows in ((body["jobId"], True), (other["jobId"], False)):
        (failed,) = [line for line in told if "run_failed" in line and run_id in line]
        assert (TRACE_ID in failed) is knows


def test_neither_sdk_nor_exporter_is_imported_when_it_is_off():
    code = (
        "import sys, agenciaos_jobs.server, agenciaos_jobs.worker; "
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(tracing.NotInstalledError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is set: install .*\[otel\]"):
        tracing.configure("http://127.0.0.1:9", "agenciaos-jobs")


def test_a_span_that_is_off_makes_nothing():
    def attributes() -> dict[str, str]:
        raise AssertionError("nobody wants them")

    first, second = tracing.span("a", "server", attributes), tracing.span("b", "client", attributes)
    assert first is second
    with first as span:
        span.set_attribute("x", 1)
    assert tracing.query_logger(str, of_worker=False) is None  # so that asyncpg does not time its statements


def test_calls_to_other_services_are_recorded_though_no_span_is_exported():
    recorded: list[tuple[str, float]] = []
    with tracing.recording(lambda name, seconds: recorded.append((name, seconds))):
        with tracing.span("answered", "client"), tracing.span("work", "consumer"):
            pass
        with pytest.raises(ValueError, match="broken"), tracing.span("failed", "client"):
            raise ValueError("broken")
    with tracing.span("outside", "client"):
        pass
    assert [name for name, _ in recorded] == ["answered", "failed"]
    assert all(0 <= seconds < 5 for _, seconds in recorded)


async def test_a_receiver_that_is_away_holds_nothing_up(settings: Settings):
    away = settings.model_copy(update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:9"})
    async with asyncio.timeout(30), running_service(away) as service:
        assert (await service.outcome("monthly-report", {"month": "2026-01"}))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00-0-0-0",
        PARENT.upper(),
        PARENT + "-x",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-{'1' * 16}-01",
    ],
)
def test_what_is_no_traceparent_belongs_to_no_trace(header: str | None):
    assert tracing.resume(PARENT) == TRACE_ID
    assert tracing.current() == PARENT
    assert tracing.resume(header) is None
    assert tracing.current() is None
