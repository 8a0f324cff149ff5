"""Headers of every response, and who may read the metrics."""

import pytest
from pydantic import SecretStr
from support.public_tokens import token
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

TOKEN = "metrics-0123456789"


async def headers(service: Service, path: str) -> dict[str, str]:
    async with service.http.get(path, allow_redirects=False) as response:
        return dict(response.headers)


PATHS = ("/healthz", "/api/v3/runs/run_none", "/nowhere", "/login", "/")


async def test_no_response_names_the_server_s_software(service: Service):
    assert [path for path in PATHS if "Server" in await headers(service, path)] == []


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [("https://jobs.agenciaos.com.br", "max-age=31536000"), ("http://jobs.local", None), (None, None)],
)
async def test_browsers_are_asked_for_https_where_people_come_by_it(settings: Settings, public_url, expected):
    async with running_server(settings.model_copy(update={"public_url": public_url})) as server:
        found = {path: (await headers(server, path)).get("Strict-Transport-Security") for path in PATHS}
    assert found == dict.fromkeys(PATHS, expected)


async def test_metrics_take_their_token_and_no_other(settings: Settings):
    async with running_server(settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})) as server:
        statuses = {}
        for bearer in (TOKEN, "", "metrics-9876543210", settings.trigger_secret_key.get_secret_value(), token("read")):
            async with server.http.get("/metrics", headers={"Authorization": f"Bearer {bearer}"}) as response:
                statuses[bearer] = response.status
                assert response.status == 200 or response.headers["WWW-Authenticate"] == "Bearer"
        assert (await server.get("/healthz", Authorization=""))[0] == 200
    assert [status for bearer, status in statuses.items() if bearer != TOKEN] == [401] * 4
    assert statuses[TOKEN] == 200
