"""Guru's bodies for tests, and a small server that plays its REST API."""

import asyncio
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "A" * 40
FIXTURES = Path(__file__).parent.parent / "guru"
PRODUCT = "a0c1d2e3-0003-4000-8000-000000000003"
SUBSCRIPTION = "sub_AgOs00000000001"
UUID = "a0c1d2e3-0005-4000-8000-000000000005"
SALE = "a0c1d2e3-0004-4000-8000-000000000004"
EMAIL = "marina@agenciaaurora.com.br"


def body(name: str, **changes: Any) -> dict[str, Any]:
    """A captured body, with parts of it replaced: ``dates__updated_at=…`` reaches into objects."""
    found = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    return changed(found, **changes)


def changed(original: dict[str, Any], **changes: Any) -> dict[str, Any]:
    copy = deepcopy(original)
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = copy
        for parent in parents:
            place = place[parent]
        place[name] = value
    return copy


class GuruDouble:
    """Knows the sales and subscriptions it is given; ``script`` holds what to answer instead, one request each."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.keys: set[str] = set()
        self.is_hanging = self.is_down = False
        self.script: list[web.Response | None] = []
        app = web.Application()
        app.router.add_get("/api/v2/transactions/{id}", self._answer)
        app.router.add_get("/api/v2/subscriptions/{id}", self._answer)
        app.router.add_get("/api/v2/subscriptions", self._list)
        self._server = TestServer(app)

    async def start(self) -> None:
        await self._server.start_server()

    async def stop(self) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/api/v2"))

    def knows(self, *bodies: dict[str, Any]) -> None:
        """Answers with these bodies, in the form that the REST API has: a subscription's id is its uuid."""
        for one in bodies:
            told = {name: value for name, value in one.items() if name not in {"api_token", "webhook_type"}}
            if "last_status" in told:
                told |= {"id": one["internal_id"]}
                self.known[one["subscription_code"]] = told
            self.known[told["id"]] = told

    def fails(self, status: int, times: int = 1, **headers: str) -> None:
        self.script += [web.json_response({"error": "scripted"}, status=status, headers=headers) for _ in range(times)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        self.keys.add(request.headers["Authorization"])
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.is_down:
            return web.json_response({"error": "down"}, status=503)
        if self.script and (scripted := self.script.pop(0)):
            return scripted
        found = self.known.get(request.match_info["id"])
        return web.json_response(found) if found else web.json_response({"error": "not found"}, status=404)

    async def _list(self, request: web.Request) -> web.Response:
        if "bad" in request.headers["Authorization"]:
            return web.json_response({"error": "unauthorized"}, status=401)
        return web.json_response({"data": []})
