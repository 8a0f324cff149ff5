"""Reading what a client sends, and answering with JSON."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import BODY, BODY_TIMEOUT
from agenciaos_jobs.http.problems import RequestError, invalid, wrong_field

MAX_BODY = 3 * 1024 * 1024

M = TypeVar("M", bound=BaseModel)

_NOT_JSON = Text("O corpo deve ser application/json", "The body must be application/json")
_TOO_SLOW = Text("O corpo não chegou a tempo", "The body did not arrive in time")

# An escape \\u0000 that is not itself escaped: Postgres can keep it in no text.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


async def read_json(request: web.Request, *, most: int = MAX_BODY) -> Any:
    """The body as JSON.

    Refuses with 415 what does not say it is JSON, 413 over ``most`` bytes, 408 what does not arrive in time, 400 what
    is no JSON.
    """
    if not _says_json(request.content_type):
        raise RequestError(415, _NOT_JSON, headers={"Accept": "application/json"})
    return parse_json(await read_bytes(request, most=most))


async def read_bytes(request: web.Request, *, most: int = MAX_BODY) -> bytes:
    """The body as it is; 413 over ``most`` bytes, 408 where it does not arrive in time."""
    if (known := request[BODY]) is not None:
        return known
    _check_size(request.content_length or 0, most)
    if most > MAX_BODY:
        request = request.clone(client_max_size=most)
    if request.content.is_eof():  # it came along with the head, as most do
        body = request[BODY] = request.content.read_nowait()
        _check_size(len(body), most)
        return body
    try:
        async with asyncio.timeout(request.app[BODY_TIMEOUT]):
            return await request.read()
    except TimeoutError:
        raise RequestError(408, _TOO_SLOW, headers={"Connection": "close"}) from None


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=size)


async def read_model(request: web.Request, model: type[M], *, most: int = MAX_BODY) -> M:
    """The body as ``model``, or 422 with each field that is wrong."""
    return as_model(await read_json(request, most=most), model)


def as_model(given: Any, model: type[M]) -> M:
    """What was read as ``model``, or 422 with each field that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


def answer(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as JSON, absent values left out."""
    body = model.model_dump_json(exclude_none=True, by_alias=True).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def has_nul(text: bytes) -> bool:
    """Whether JSON has the character U+0000 in it, which Postgres can keep in no text."""
    return rb"\u0000" in text and _NUL.search(text) is not None


def _says_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def parse_json(body: bytes) -> Any:
    """JSON; 400 for what is none, 422 where it has a NUL character in it."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = Text(
            f"O corpo não é JSON válido (linha {error.lineno}, coluna {error.colno})",
            f"The body is not valid JSON (line {error.lineno}, column {error.colno})",
        )
        raise RequestError(400, text) from None
    if has_nul(body):
        raise wrong_field("", "nul_character", "must not contain the NUL character (U+0000)")
    return parsed
