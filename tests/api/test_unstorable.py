"""What Postgres cannot store is answered 422 with the field's name, at every endpoint that takes it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browsing import operator
from support.sdk import running_with_test_jobs
from support.service import Service
from yarl import URL

from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.storable import MAX_DEPTH
from agenciaos_jobs.settings import Settings

JSON = {"Content-Type": "application/json"}
DEEP = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
BAD = {
    "nul_character": r'{"name": "a\u0000b"}',
    "lone_surrogate": r'{"name": "a\ud800b"}',
    "too_deep": '{"name": ' + DEEP + "}",
}
KINDS = pytest.mark.parametrize("code", BAD)


async def refused(service: Service, method: str, path: str, body: str, field: str, code: str) -> None:
    async with service.http.request(method, path, data=body.encode(), headers=JSON) as response:
        answer = await response.json()
        assert response.status == 422, (path, answer)
    (wrong,) = answer["errors"]
    assert wrong["code"] == code
    assert wrong["field"].startswith(field), wrong["field"]


def bodies(bad: str) -> Iterator[tuple[str, str, str, str]]:
    """Each endpoint with a body that has the bad value in one place: method, path, body, and the field's name."""
    quoted = json.dumps(bad)
    task = "/api/v1/tasks/echo/trigger"
    yield "POST", "/api/trigger", f'{{"type": "echo", "payload": {bad}}}', "payload.name"
    yield "POST", task, f'{{"payload": {bad}}}', "payload.name"
    for kind in ("application/json", "application/super+json"):
        text = json.dumps(f'{{"json": {bad}}}') if "super" in kind else quoted
        yield "POST", task, f'{{"payload": {text}, "options": {{"payloadType": "{kind}"}}}}', "payload"
    for metadata in (bad, quoted):
        options = f'{{"metadata": {metadata}}}'
        yield "POST", task, f'{{"options": {options}}}', "options.metadata"
        for version in (1, 2):
            path = f"/api/v{version}/tasks/batch" if version == 2 else "/api/v1/tasks/batch"
            items = f'[{{"task": "echo"}}, {{"task": "echo", "options": {options}}}]'
            yield "POST", path, f'{{"items": {items}}}', "items.1.options.metadata"
        yield "POST", "/api/v1/runs/RUN/replay", options, "metadata"
        yield "PUT", "/api/v1/runs/RUN/metadata", options, "metadata"
    yield "POST", "/api/v1/runs/RUN/replay", f'{{"payload": {bad}}}', "payload.name"
    change = f'{{"operations": [{{"type": "set", "key": "a", "value": {bad}}}]}}'
    yield "PUT", "/api/v1/runs/RUN/metadata", change, "operations.0.value.name"
    yield "POST", "/api/v1/schedules", f'{{"task": "echo", "cron": "0 6 * * *", "externalId": {bad}}}', "externalId"


@KINDS
async def test_every_endpoint_names_the_field_that_cannot_be_stored(settings: Settings, code: str) -> None:
    async with running_with_test_jobs(settings) as service:
        run_id = (await service.post("/api/v1/tasks/echo/trigger", {}))[1]["id"]
        for method, path, body, field in bodies(BAD[code]):
            await refused(service, method, path.replace("RUN", run_id), body, field, code)


@KINDS
async def test_a_stream_of_items_is_refused_with_the_item_s_field(
    settings: Settings, db: asyncpg.Connection, code: str
) -> None:
    async with running_with_test_jobs(settings) as service:
        path = (await service.post("/api/v3/batches", {"runCount": 2}))[1]["id"]
        first, bad = '{"index": 0, "task": "echo"}\n', f'{{"index": 1, "task": "echo", "payload": {BAD[code]}}}'
        await refused(service, "POST", f"/api/v3/batches/{path}/items", first + bad, "items.1.payload.name", code)
        assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0  # all items are stored, or none
        good = '{"index": 1, "task": "echo"}'
        async with service.http.post(f"/api/v3/batches/{path}/items", data=first + good, headers=JSON) as response:
            assert (response.status, (await response.json())["sealed"]) == (200, True)


@KINDS
async def test_a_large_payload_is_checked_when_it_is_used(settings: Settings, code: str) -> None:
    async with running_with_test_jobs(settings) as service:
        async with service.http.put("/api/v2/packets/large.json") as made:
            address = await made.json()
        path = "/api/packets/" + address["presignedUrl"].split("/api/packets/")[1]
        async with service.http.put(path, data=BAD[code].encode(), headers=JSON) as stored:
            if stored.status == 422:
                return
            assert stored.status == 200
        body = json.dumps({"payload": address["storagePath"], "options": {"payloadType": "application/store"}})
        await refused(service, "POST", "/api/v1/tasks/echo/trigger", body, "payload.name", code)


@KINDS
async def test_the_dashboard_s_forms_show_the_error(settings: Settings, code: str) -> None:
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id = (await service.post("/api/v1/tasks/echo/trigger", {}))[1]["id"]
        status, page = await browser.post(f"/runs/{run_id}/edit", {"payload": BAD[code]})
        assert (status, "<code>name" in page, "não pode" in page) == (422, True, True)
        form = {"payload.agencyId": "a", "payload.agentType": "CRM_FOLLOW_UP", "payload.input": BAD[code]}
        status, page = await browser.post("/test/generate-ai-content", form)
        assert (status, "não pode" in page) == (422, True)


@pytest.mark.parametrize("header", ["Idempotency-Key", "x-trigger-request-idempotency-key"])
async def test_a_key_in_a_header_is_text(settings: Settings, header: str) -> None:
    async with running_with_test_jobs(settings) as service:
        for path, body in (
            ("/api/v1/tasks/echo/trigger", "{}"),
            ("/api/v1/tasks/batch", '{"items": [{"task": "echo"}]}'),
        ):
            status = await status_of(service, path, body, f"{header}: ".encode() + b"a\xffb")
            assert status == 422


async def status_of(service: Service, path: str, body: str, header: bytes) -> int:
    """The answer's status to a request with a header that no client library sends."""
    url = URL(service.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    key = service.http.headers["Authorization"]
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n".encode()
        + header
        + b"\r\n\r\n"
        + body.encode()
    )
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return int(line.split()[1])


async def test_integers_beyond_64_bits_are_numbers_as_in_javascript(settings: Settings) -> None:
    async with running_with_test_jobs(settings) as service:
        body = f'{{"payload": {{"big": {2**70}, "small": {2**60}}}}}'
        async with service.http.post("/api/v1/tasks/echo/trigger", data=body, headers=JSON) as response:
            handle = await response.json()
        run = await service.finished(handle["id"])
    assert run["payload"] == {"big": float(2**70), "small": 2**60}


async def test_changes_cannot_make_metadata_that_cannot_be_stored(settings: Settings) -> None:
    async with running_with_test_jobs(settings) as service:
        run_id = (await service.post("/api/v1/tasks/echo/trigger", {}))[1]["id"]
        path = f"/api/v1/runs/{run_id}/metadata"
        deep = {"type": "set", "key": "$." + ".".join("a" * 250), "value": json.loads("[" * 190 + "]" * 190)}
        big = {"type": "increment", "key": "n", "value": 2**63 - 1}
        large = {"type": "set", "key": "text", "value": "x" * 256 * 1024}
        for operations in ([deep], [big] * 3, [large]):
            body = json.dumps({"operations": operations})
            async with service.http.put(path, data=body, headers=JSON) as response:
                answer = await response.json()
                assert (response.status, answer["errors"][0]["field"]) == (422, "metadata"), answer
        assert (await service.get(path))[1]["metadata"] == {}


async def test_metadata_are_limited_wherever_they_are_given(settings: Settings) -> None:
    options = {"metadata": {"text": "x" * 256 * 1024}}
    async with running_with_test_jobs(settings) as service:
        run_id = (await service.post("/api/v1/tasks/echo/trigger", {}))[1]["id"]
        for path, body, field in (
            ("/api/v1/tasks/echo/trigger", {"options": options}, "options.metadata"),
            ("/api/v1/tasks/batch", {"items": [{"task": "echo", "options": options}]}, "items.0.options.metadata"),
            (f"/api/v1/runs/{run_id}/replay", options, "metadata"),
        ):
            status, answer = await service.post(path, body)
            assert (status, answer["errors"][0]["field"]) == (422, field)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_VALUES)
def test_json_is_parsed_or_the_place_of_its_nul_is_named(value: Any) -> None:
    data = orjson.dumps(value)
    try:
        assert json_input.parse(data) == orjson.loads(data)
    except InvalidFieldsError as error:
        (wrong,) = error.fields
        assert wrong.code == "nul_character"
        assert "\0" in str(value) or "\\x00" in repr(value)


@pytest.mark.parametrize("text", ['{"a":', "[" * 100, '"\\"' * 1000, '{"a": 1e999}', "nothing", "", '"\\ud83d\\ude00'])
def test_what_is_no_json_is_invalid(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        json_input.parse(text)
