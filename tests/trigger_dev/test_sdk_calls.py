"""Every address that the SDKs' own packages ask for: what is served, and what is refused with a sentence."""

import re
from pathlib import Path

import pytest
from support.node import SCRIPTS, SDK_LINES, needs_node, run_node
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

pytestmark = [needs_node, pytest.mark.parametrize("line", SDK_LINES)]

GUIDE = Path(__file__).parents[2] / "docs" / "from-trigger-dev.md"

CORE = {"sdk3": "@trigger.dev/core/dist/esm/v3", "sdk4": "sdk4/node_modules/@trigger.dev/core/dist/esm/v3"}

SERVED = {
    "sdk3": """
        DELETE /api/v1/schedules/x
        GET /api/v1/batches/x
        GET /api/v1/projects/x/runs
        GET /api/v1/runs
        GET /api/v1/runs/x/metadata
        GET /api/v1/schedules
        GET /api/v1/schedules/x
        GET /api/v3/runs/x
        GET /realtime/v1/batches/x
        GET /realtime/v1/runs
        GET /realtime/v1/runs/x
        GET /realtime/v1/streams/x/x
        POST /api/v1/auth/jwt/claims
        POST /api/v1/runs/x/replay
        POST /api/v1/runs/x/reschedule
        POST /api/v1/runs/x/tags
        POST /api/v1/schedules
        POST /api/v1/schedules/x/activate
        POST /api/v1/schedules/x/deactivate
        POST /api/v1/tasks/batch
        POST /api/v1/tasks/x/trigger
        POST /api/v2/runs/x/cancel
        PUT /api/v1/runs/x/metadata
        PUT /api/v1/schedules/x
    """,
    "sdk4": """
        DELETE /api/v1/schedules/x
        GET /api/v1/bulk-actions
        GET /api/v1/bulk-actions/x
        GET /api/v1/projects/x/runs
        GET /api/v1/queues
        GET /api/v1/queues/x
        GET /api/v1/runs
        GET /api/v1/runs/x/metadata
        GET /api/v1/schedules
        GET /api/v1/schedules/x
        GET /api/v1/waitpoints/tokens
        GET /api/v1/waitpoints/tokens/x
        GET /api/v2/batches/x
        GET /api/v3/runs/x
        GET /realtime/v1/batches/x
        GET /realtime/v1/runs
        GET /realtime/v1/runs/x
        GET /realtime/v1/streams/x/x
        POST /api/v1/auth/jwt/claims
        POST /api/v1/bulk-actions
        POST /api/v1/bulk-actions/x/abort
        POST /api/v1/idempotencyKeys/x/reset
        POST /api/v1/queues/x/concurrency/override
        POST /api/v1/queues/x/concurrency/reset
        POST /api/v1/queues/x/pause
        POST /api/v1/runs/x/replay
        POST /api/v1/runs/x/reschedule
        POST /api/v1/runs/x/tags
        POST /api/v1/schedules
        POST /api/v1/schedules/x/activate
        POST /api/v1/schedules/x/deactivate
        POST /api/v1/tasks/x/trigger
        POST /api/v1/waitpoints/tokens
        POST /api/v1/waitpoints/tokens/x/complete
        POST /api/v2/runs/x/cancel
        POST /api/v2/tasks/batch
        POST /api/v3/batches
        POST /api/v3/batches/x/items
        PUT /api/v1/runs/x/metadata
        PUT /api/v1/schedules/x
        PUT /api/v2/packets/x
    """,
}
"""What the application asks for; all else that the packages know of is 501."""

_ADDRESS = re.compile(r"`\$\{[^`]*?\}(/(?:api|realtime|engine)/(?:[^`$?]|\$\{[^}?]*\})*)")
_METHOD = re.compile(r'method: "([A-Z]+)"')


def calls(line: str) -> set[str]:
    """The requests in the package's source, with ``x`` for what is filled in."""
    found = set()
    for folder in ("apiClient", "runMetadata", "realtimeStreams"):
        for file in (SCRIPTS / "node_modules" / CORE[line] / folder).glob("*.js"):
            found |= set(_calls(file))
    return found


def _calls(file: Path) -> list[str]:
    text = file.read_text()
    addresses = list(_ADDRESS.finditer(text))
    ends = [address.start() for address in addresses] + [len(text)]
    requests = []
    for address, end in zip(addresses, ends[1:], strict=True):
        method = _METHOD.search(text, address.end(), min(end, address.end() + 400))
        path = re.sub(r"\$\{[^}]*\}", "x", address[1]).removesuffix("$")
        requests.append(f"{method[1] if method else 'GET'} {re.sub('x+$', 'x', path)}")
    return requests


async def test_each_call_is_served_or_refused_with_a_sentence(settings: Settings, line: str):
    asked, served = calls(line), {call.strip() for call in SERVED[line].strip().split("\n")}
    assert len(asked) > 25
    assert served <= asked
    async with running_server(settings) as service:
        for call in sorted(asked):
            status, problem = await ask(service, call)
            if call in served:
                assert status not in {405, 501}, call
                assert "endereço" not in problem, call
            else:
                assert status == 501, (call, status)
                assert len(problem) > 20, call


async def ask(service: Service, call: str) -> tuple[int, str]:
    """The answer's status, and the sentence of a refusal."""
    method, path = call.split(" ")
    async with service.http.request(method, path) as response:
        answer = await response.json()
        return response.status, answer.get("error", "") if isinstance(answer, dict) else ""


async def test_the_guide_tells_of_each_call(settings: Settings, line: str):
    async with running_server(settings) as service:
        there_are = await run_node(service, "exports.mjs", line)
    told = GUIDE.read_text()
    untold = [call for call in there_are if call not in told and f"{call.partition('.')[0]}.*" not in told]
    assert len(there_are) > 60
    assert untold == []
