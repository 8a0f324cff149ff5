"""Reading what a client sends, and answering with JSON."""

import asyncio
import re
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.web.keys import BODY_TIMEOUT
from agenciaos_jobs.web.language import Text
from agenciaos_jobs.web.problems import HttpProblem, invalid, wrong_field

MAX_BODY = 3 * 1024 * 1024

M = TypeVar("M", bound=BaseModel)

_NOT_JSON: Text = {"pt": "O corpo deve ser application/json", "en": "The body must be application/json"}
_TOO_SLOW: Text = {"pt": "O corpo não chegou a tempo", "en": "The body did not arrive in time"}

# An escape \\u0000 that is not itself escaped: Postgres can keep it in no text.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


async def read_json(request: web.Request) -> Any:
    """The body as JSON.

    Refuses with 415 what does not say it is JSON, 413 over 3 MB, 408 what does not arrive in time, 400 what is no JSON.
    """
    if not _says_json(request.content_type):
        raise HttpProblem(415, _NOT_JSON, headers={"Accept": "application/json"})
    if (request.content_length or 0) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=request.content_length or 0)
    if request.content.is_eof():
        return _parse(await request.read())
    try:
        async with asyncio.timeout(request.app[BODY_TIMEOUT]):
            body = await request.read()
    except TimeoutError:
        raise HttpProblem(408, _TOO_SLOW, headers={"Connection": "close"}) from None
    return _parse(body)


async def read_model(request: web.Request, model: type[M]) -> M:
    """The body as ``model``, or 422 with each field that is wrong."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        raise invalid(error) from None


def answer(model: BaseModel, *, status: int = 200) -> web.Response:
    """A model as JSON, absent values left out."""
    body = orjson.dumps(model.model_dump(mode="json", exclude_none=True))
    return web.Response(body=body, status=status, content_type="application/json")


def _says_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _parse(body: bytes) -> Any:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text: Text = {
            "pt": f"O corpo não é JSON válido (linha {error.lineno}, coluna {error.colno})",
            "en": f"The body is not valid JSON (line {error.lineno}, column {error.colno})",
        }
        raise HttpProblem(400, text) from None
    if _NUL.search(body):
        raise wrong_field("", "nul_character", "must not contain the NUL character (U+0000)")
    return parsed
