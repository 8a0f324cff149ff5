"""An address that ends in a slash makes paths with two, which count as one."""

import pytest
from aiohttp import ClientSession
from conftest import KEY
from support.service import Service


@pytest.mark.parametrize("path", ["//api/trigger", "///api/trigger", "/api//trigger"])
async def test_double_slashes_in_a_path_are_one(service: Service, path: str):
    request = {"type": "monthly-report", "payload": {"month": "2026-10"}}
    async with ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http:
        async with http.post(service.url + path, json=request) as response:
            assert response.status == 200
            run_id = (await response.json())["jobId"]
        async with http.get(f"{service.url}//api/v3//runs/{run_id}?x=//") as response:
            assert (response.status, (await response.json())["id"]) == (200, run_id)
        for unknown, status in (("//api//nothing", 404), (path, 405)):
            async with http.get(service.url + unknown) as response:
                assert response.status == status
