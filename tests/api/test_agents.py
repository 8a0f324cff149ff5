"""GET /api/agents, docs/agents.md and the command that writes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from support.processes import run
from support.service import Service

from agenciaos_jobs.http import public_token

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


async def test_the_page_about_the_agents_is_what_the_command_writes(tmp_path: Path):
    code, text = await run("agenciaos-jobs", "agents", cwd=tmp_path)
    assert code == 0
    assert PAGE.read_text() == text, "agenciaos-jobs agents > docs/agents.md"


async def test_a_page_can_draw_an_agent_s_form(service: Service):
    status, body = await service.get("/api/agents")
    assert status == 200
    agents = {agent["slug"]: agent for agent in body["agents"]}
    assert len(agents) == 37
    copy = agents["copy-generator"]
    fields = {field["name"]: field for field in copy["input"]}
    assert (copy["type"], copy["family"], copy["formKey"]) == ("META_ADS_COPY", "Meta Ads", "copies")
    assert (fields["tone"]["type"], fields["tone"]["required"]) == ("choice", True)
    assert {"value": "urgencia", "label": "Urgência"} in fields["tone"]["choices"]
    assert copy["output"]["properties"]["headlines"]["items"]["maxLength"] == 40
    assert copy["exampleInput"]["product"]


async def test_any_valid_public_token_reads_the_agents(service: Service):
    assert service.settings.trigger_secret_key
    claims = {
        **public_token.CLAIMS, "iss": public_token.ISSUER, "aud": public_token.AUDIENCE,
        "exp": datetime.now(UTC) + timedelta(minutes=5), "scopes": ["read:runs:run_none"],
    }  # fmt: skip
    token = jwt.encode(claims, service.settings.trigger_secret_key.get_secret_value(), "HS256")
    assert (await service.get("/api/agents", Authorization=f"Bearer {token}"))[0] == 200
    assert (await service.get("/api/agents", Authorization=f"Bearer {token}x"))[0] == 401
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    async with service.http.options("/api/agents", headers=preflight) as response:
        assert response.status in {200, 204}
