"""U+0000, which Postgres stores in no text, gets an answer wherever it stands in a request, and never a 500."""

import re
from collections.abc import Iterator

from support.browsing import operator
from support.service import running_server

from agenciaos_jobs.dashboard.sessions import COOKIE
from agenciaos_jobs.settings import Settings

PARAMETER = re.compile(r"\{(\w+)[^}]*\}")
QUERIES = ["%00=1", *(f"{name}=a%00b" for name in ("after", "before", "q", "tags", "run"))]
BODIES = [
    {"json": {"type": "a\0", "payload": {"a": "\0"}}},
    {"data": b"csrf=a%00b&%00=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
]
MUTATES = {"POST", "PUT", "PATCH", "DELETE"}


def routes(service) -> Iterator[tuple[str, str]]:
    """Every method and path that the application answers, but for streams."""
    for route in service.app.router.routes():
        resource = route.resource
        if resource and route.method in {"GET", *MUTATES} and resource.canonical != "/live":
            yield route.method, resource.canonical


async def test_nul_anywhere_in_a_request_is_no_failure_of_the_server(settings: Settings):
    settings = settings.model_copy(update={"rate_limit_address": 100_000})
    async with running_server(settings) as service, operator(service) as browser:
        for method, path in set(routes(service)):
            plain, places = PARAMETER.sub("2026-01", path), PARAMETER.findall(path)
            addresses = [f"{plain}?{query}" for query in QUERIES]
            if places:
                addresses.append(PARAMETER.sub("a%00b", path))
            for http in (service.http, browser.http):
                for address in addresses:
                    async with http.request(method, address, allow_redirects=False) as response:
                        expected = 404 if "?" not in address else 400
                        assert response.status in {expected, 404, 405}, (method, address, response.status)
                if method not in MUTATES:
                    continue
                for sent in BODIES:
                    async with http.request(method, plain, allow_redirects=False, **sent) as response:
                        assert response.status < 500 or response.status in {501, 503}, (method, plain, response.status)


async def test_nul_in_a_cookie_is_no_failure_of_the_server(settings: Settings):
    async with running_server(settings) as service:
        headers = {"Cookie": f'{COOKIE}="a\\000b.9999999999.c"'}
        async with service.http.get("/runs", headers=headers, allow_redirects=False) as response:
            assert response.status < 500
