"""The claims that the SDKs fetch before they sign a public token."""

import orjson
from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.public_token import CLAIMS


class Claims(BaseModel):
    """The claims of a public token besides its scopes and times."""

    sub: str
    pub: bool


async def tell_claims(_: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(CLAIMS), content_type="application/json")


OPERATIONS = [
    Operation(
        "POST",
        "/api/v1/auth/jwt/claims",
        tell_claims,
        Text("O que um token público declara", "What a public token says"),
        answers={200: Claims},
    )
]
