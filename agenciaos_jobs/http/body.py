"""Request bodies and JSON responses."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import BODY, BODY_TIMEOUT
from agenciaos_jobs.http.problems import RequestError, invalid

MAX_BODY = 3 * 1024 * 1024
MAX_UNAUTHENTICATED_BODY = 256 * 1024
"""The limit of a body that is read before its sender is known."""

_PARSED_IN_A_THREAD = 100_000
"""From these bytes on JSON is parsed in a thread, because the place of a fault may take a second to find."""

M = TypeVar("M", bound=BaseModel)

_NOT_JSON = Text("O corpo deve ser application/json", "The body must be application/json")
_TOO_SLOW = Text("O corpo não chegou a tempo", "The body did not arrive in time")
_TOO_LARGE = Text("O corpo passa de {limit} MB", "The body is larger than {limit} MB")
_TOO_LARGE_FROM_UNKNOWN = Text(
    "O corpo passa de 256 kB, o limite de um pedido sem uma chave válida",
    "The body is larger than 256 kB, the limit of a request without a valid key",
)
_BROKEN = Text("O corpo está incompleto ou malformado", "The body is incomplete or malformed")
_COMPRESSED = Text(
    "O corpo não pode vir comprimido (Content-Encoding)", "The body must not be compressed (Content-Encoding)"
)


async def read_json(request: web.Request, *, max_bytes: int = MAX_BODY) -> Any:
    """The body as JSON.

    Raises 415 for another content type, 413 over ``max_bytes``, 408 for a body that does not arrive in time, and 400
    for invalid JSON.
    """
    if not _says_json(request.content_type):
        raise RequestError(415, _NOT_JSON, headers={"Accept": "application/json"})
    body = await read_bytes(request, max_bytes=max_bytes)
    return parse_json(body) if len(body) < _PARSED_IN_A_THREAD else await asyncio.to_thread(parse_json, body)


async def read_bytes(request: web.Request, *, max_bytes: int = MAX_BODY) -> bytes:
    """The raw body.

    Raises 413 over ``max_bytes``, 408 for a body that does not arrive in time, and 400 for one that breaks off.
    """
    if (known := request[BODY]) is not None:
        return known
    _check_size(request.content_length or 0, max_bytes)
    try:
        if request.content.is_eof():  # the body arrived along with the headers, as is usual
            body = request.content.read_nowait()
            _check_size(len(body), max_bytes)
        else:
            async with asyncio.timeout(request.app[BODY_TIMEOUT]):
                body = await _read_up_to(request.content, max_bytes)
    except TimeoutError:
        raise RequestError(408, _TOO_SLOW, headers={"Connection": "close"}) from None
    except (BadHttpMessage, web.RequestPayloadError, ConnectionResetError):
        raise RequestError(400, _BROKEN, headers={"Connection": "close"}) from None
    request[BODY] = body
    return body


async def _read_up_to(content: StreamReader, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        _check_size(len(body), max_bytes)
    return bytes(body)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        is_unknown = max_bytes == MAX_UNAUTHENTICATED_BODY
        raise RequestError(
            413, _TOO_LARGE_FROM_UNKNOWN if is_unknown else _TOO_LARGE.format(limit=f"{max_bytes / 2**20:g}")
        )


def is_compressed(request: web.Request) -> bool:
    """Whether the body has a ``Content-Encoding`` other than ``identity``."""
    codings = ",".join(request.headers.getall("Content-Encoding", ())).split(",")
    return any(coding.strip().lower() not in {"", "identity"} for coding in codings)


def compressed() -> RequestError:
    """415 for a compressed body, of which a few bytes can stand for gigabytes."""
    return RequestError(415, _COMPRESSED, headers={"Accept-Encoding": "identity"})


async def read_model(request: web.Request, model: type[M], *, max_bytes: int = MAX_BODY) -> M:
    """The body as ``model``. Raises 422 with each invalid field."""
    return as_model(await read_json(request, max_bytes=max_bytes), model)


def as_model(given: Any, model: type[M]) -> M:
    """A parsed value as ``model``. Raises 422 with each invalid field."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


def answer(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response of a model, without its absent values."""
    body = model.model_dump_json(exclude_none=True, by_alias=True).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def nul_refused(name: str) -> InvalidFieldsError:
    """422 for a field that contains the character U+0000."""
    return json_input.refused((name,) if name else (), "nul_character")


def refused_for_nul(request: web.Request) -> web.Response | None:
    """The response to an address that contains U+0000, which Postgres cannot store in text; ``None`` for any other.

    404 in the path; in the query 400 in plain text, as aiohttp answers malformed addresses.
    """
    if "%00" not in request.raw_path:
        return None
    if "\0" in request.path:
        raise web.HTTPNotFound
    for name, value in request.query.items():
        if "\0" in name or "\0" in value:
            shown = name.replace("\0", "")
            return web.Response(status=400, text=f"{shown}: não pode conter U+0000 / must not contain U+0000")
    return None


def _says_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def parse_json(body: bytes, *where: str | int) -> Any:
    """The parsed JSON; ``where`` is its own place, for errors.

    Raises 400 for invalid JSON, and 422 with the field that Postgres cannot store: see :func:`json_input.parse`.
    """
    try:
        return json_input.parse(body, *where)
    except orjson.JSONDecodeError as error:
        text = Text(
            f"O corpo não é JSON válido (linha {error.lineno}, coluna {error.colno})",
            f"The body is not valid JSON (line {error.lineno}, column {error.colno})",
        )
        raise RequestError(400, text) from None
