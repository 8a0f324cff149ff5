"""Public tokens: who bears one reads what it names, until it is out of date, and does nothing else."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from conftest import KEY
from hypothesis import given
from hypothesis import strategies as st
from support.public_tokens import token
from support.service import Service

from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http import public_token
from agenciaos_jobs.http.scopes import may_read


def unsigned(signed: str) -> str:
    """The same with ``alg: none``."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return ".".join([header, signed.split(".")[1], ""])


def changed(signed: str, **claims: Any) -> str:
    """The same with other claims under the old signature."""
    header, _, signature = signed.split(".")
    claims = jwt.decode(signed, options={"verify_signature": False}) | claims
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature])


async def status(service: Service, path: str, bearer: str) -> int:
    return (await service.get(path, Authorization=f"Bearer {bearer}"))[0]


@pytest.fixture
async def run_id(service: Service) -> str:
    run = await service.outcome("monthly-report", tags=["agency:1", "vip"])
    return run["id"]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["read:runs:{run}"], 200),
        (["read:runs"], 200),
        (["read:tags:agency:1"], 200),
        (["read:tasks:generate-monthly-reports"], 200),
        (["read:runs:run_other", "read:tags:vip"], 200),
        (["read:runs:run_other"], 403),
        (["read:tags:agency"], 403),
        (["write:runs:{run}"], 403),
        (["trigger:tasks:generate-monthly-reports"], 403),
        ([], 403),
    ],
)
async def test_scopes_name_what_may_be_read(service: Service, run_id: str, scopes: list[str], expected: int):
    bearer = token(*(scope.format(run=run_id) for scope in scopes))
    assert await status(service, f"/api/v3/runs/{run_id}", bearer) == expected
    assert await status(service, f"/realtime/v1/runs/{run_id}", bearer) == expected


async def test_tokens_that_are_none_are_refused(service: Service, run_id: str):
    scope = f"read:runs:{run_id}"
    refused = {
        "expired": token(scope, life=timedelta(seconds=-1)),
        "not yet valid": token(scope, nbf=SystemClock().now() + timedelta(minutes=1)),
        "without an end": token(scope, exp=None),
        "of another key": token(scope, key="tr_test_9876543210"),
        "of another algorithm": token(scope, algorithm="HS512"),
        "unsigned": unsigned(token(scope)),
        "changed": changed(token("read:runs:run_other"), scopes=[scope]),
        "of another issuer": token(scope, iss="https://id.example.com"),
        "for another audience": token(scope, aud="https://api.example.com"),
        "not public": token(scope, pub=False),
        "without saying so": token(scope, pub=None),
        "of odd scopes": token(scope, scopes={"read": "all"}),
        "of an odd end": token(scope, exp=10**30),
        "no token": "a.b.c",
        "nothing": "",
    }
    statuses = {name: await status(service, f"/api/v3/runs/{run_id}", bearer) for name, bearer in refused.items()}
    assert statuses == dict.fromkeys(refused, 401)


async def test_a_token_acts_on_nothing(service: Service, run_id: str):
    bearer = {"Authorization": f"Bearer {token('read', 'write', 'admin', 'read:runs')}"}
    for path in (f"/api/v2/runs/{run_id}/cancel", f"/api/v1/runs/{run_id}/replay", "/api/v1/auth/jwt/claims"):
        assert (await service.post(path, {}, **bearer))[0] == 403
    assert (await service.post("/api/trigger", {"type": "monthly-report", "payload": {}}, **bearer))[0] == 403


async def test_a_token_reads_what_failed_but_no_stack_trace(service: Service):
    run = await service.outcome("monthly-report", {"month": "2999-01"})
    bearer = {"Authorization": f"Bearer {token('read:runs')}"}
    path = f"runs/{run['id']}"
    _, seen = await service.get(f"/api/v3/{path}", **bearer)
    errors = [seen["error"], *(attempt["error"] for attempt in seen["attempts"])]
    _, messages = await service.get(f"/realtime/v1/{path}?offset=-1", **bearer)
    live = json.loads(messages[0]["value"]["error"])
    assert run["error"]["stackTrace"]
    assert {error["name"] for error in [*errors, live]} == {"month_in_future"}
    assert all(error["message"] for error in [*errors, live])
    assert [error.get("stackTrace", "") for error in [*errors, live]] == ["", "", ""]


async def test_following_tags_takes_a_scope_for_one_of_them(service: Service, run_id: str):
    path = "/realtime/v1/runs?tags=agency:1,vip"
    assert await status(service, path, token("read:tags:vip")) == 200
    assert await status(service, path, token("read:tags:other")) == 403
    assert await status(service, path, token(f"read:runs:{run_id}")) == 403


@pytest.mark.parametrize(
    ("scope", "query", "expected"),
    [
        ("read:runs", "", 200),
        ("read:tags:vip", "", 403),
        ("read:tags:vip", "filter[tag]=vip", 200),
        ("read:tags:vip", "filter[tag]=vip&filter[status]=COMPLETED", 200),
        ("read:tags:vip", "filter[tag]=vip,other", 403),
        ("read:tasks:generate-monthly-reports", "filter[taskIdentifier]=generate-monthly-reports", 200),
        ("read:tasks:generate-monthly-reports", "filter[taskIdentifier]=generate-ai-content", 403),
        ("read:batch:batch_1", "filter[batch]=batch_1", 200),
    ],
)
async def test_a_list_takes_a_scope_for_all_that_it_may_show(service: Service, scope: str, query: str, expected: int):
    assert await status(service, f"/api/v1/runs?{query}", token(scope)) == expected


async def test_a_scope_for_a_batch_reads_the_batch_and_its_runs(service: Service):
    _, batch = await service.post(
        "/api/v1/tasks/batch", {"items": [{"task": "generate-monthly-reports", "payload": {}}]}
    )
    (run,) = batch["runs"]
    paths = [f"/api/v1/batches/{batch['id']}", f"/realtime/v1/batches/{batch['id']}", f"/api/v3/runs/{run['id']}"]
    for path in paths:
        assert await status(service, path, token(f"read:batch:{batch['id']}")) == 200
        assert await status(service, path, token("read:batch:batch_other")) == 403


async def test_columns_that_a_token_is_not_to_see_are_left_out(service: Service, run_id: str):
    bearer = token(f"read:runs:{run_id}", realtime={"skipColumns": ["payload", "output"]})
    _, (row, _) = await service.get(f"/realtime/v1/runs/{run_id}", Authorization=f"Bearer {bearer}")
    assert "runTags" in row["value"]
    assert not {"payload", "output"} & set(row["value"])


async def test_pages_of_other_sites_may_read_what_tokens_may(service: Service, run_id: str):
    asked = {
        "Origin": "https://app.agenciaos.com.br",
        "Access-Control-Request-Headers": "authorization,trigger-version",
    }
    path = f"/realtime/v1/runs/{run_id}"
    async with service.http.options(path, headers=asked) as preflight:
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Headers"] == "authorization,trigger-version"
    for bearer in (token(f"read:runs:{run_id}"), "no token"):
        headers = {"Origin": "https://app.agenciaos.com.br", "Authorization": f"Bearer {bearer}"}
        async with service.http.get(path, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "electric-offset" in response.headers["Access-Control-Expose-Headers"]
    for path, expected in (("/api/v3/runs/run_other", 401), ("/api/v1/envvars", 404), ("/api/v1/whoami", 501)):
        async with service.http.get(path, headers=asked | {"Authorization": ""}) as response:
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (expected, "*")
    async with service.http.options("/api/trigger", headers=asked) as closed:
        assert closed.status == 405
        assert "Access-Control-Allow-Origin" not in closed.headers


names = st.tuples(st.sampled_from(["runs", "tags", "tasks", "batch"]), st.text(min_size=1)).map(":".join)


@given(st.lists(names, min_size=1), st.lists(names))
def test_a_scope_for_a_name_lets_read_what_answers_to_it_alone(granted: list[str], asked: list[str]):
    assert may_read([f"read:{name}" for name in granted], asked) == bool(set(granted) & set(asked))
    assert not may_read([f"write:{name}" for name in granted], asked)


@given(st.text())
def test_no_text_is_a_token(text: str):
    assert public_token.read(text, KEY, SystemClock().now()) is None
