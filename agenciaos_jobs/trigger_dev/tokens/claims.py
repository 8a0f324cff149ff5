"""The claims that the SDKs fetch before they sign a public token."""

from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer
from agenciaos_jobs.http.keys import CLOCK
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.public_token import CLAIMS


class Claims(BaseModel):
    """The claims of a public token besides its scopes and times.

    ``jti`` distinguishes single-use tokens that are made within one second: nothing else in them differs.
    """

    sub: str
    pub: bool
    jti: str


async def create_token_claims(request: web.Request) -> web.Response:
    return answer(Claims(**CLAIMS, jti=request.app[CLOCK].new_id("token")))


OPERATIONS = [
    Operation(
        "POST",
        "/api/v1/auth/jwt/claims",
        create_token_claims,
        Text("O que um token público declara", "The claims of a public token"),
        answers={200: Claims},
    )
]
