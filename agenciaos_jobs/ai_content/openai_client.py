"""OpenAI's Responses API over HTTP, as far as we use it.

The wire is https://platform.openai.com/docs/api-reference/responses. OpenAI's own library makes the same calls, and
holds 20 MB and twice the processor's time for them, which is what a worker with 500 runs in flight has least of.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

_CONNECT = 10
"""Seconds until a connection must stand."""


class Unreachable(Exception):  # noqa: N818 - it is what happened
    """No answer came: no connection, or one that broke off."""


class Malformed(Exception):  # noqa: N818 - it is what happened
    """What came is no response."""


class Refused(Exception):  # noqa: N818 - it is what happened
    """An answer of 400 or more, with the code and the words that OpenAI gives."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status, self.headers = status, headers
        error = _error(content)
        self.code = str(error.get("code") or f"http_{status}")
        self.message = str(error.get("message") or self.code)
        super().__init__(f"{status} {self.code}")


class Part(BaseModel):
    """A piece of what the model says: a text, or why it refuses."""

    type: str
    text: str = ""
    refusal: str = ""


class Item(BaseModel):
    """One of the things that the model puts out; those that are no messages are steps on the way."""

    type: str
    content: Sequence[Part] | None = None


class CachedTokens(BaseModel):
    """Of the tokens read."""

    cached_tokens: int = 0


class ReasoningTokens(BaseModel):
    """Of the tokens written."""

    reasoning_tokens: int = 0


class Tokens(BaseModel):
    """What is billed."""

    input_tokens: int
    output_tokens: int
    input_tokens_details: CachedTokens | None = None
    output_tokens_details: ReasoningTokens | None = None


class Fault(BaseModel):
    """Why a response failed."""

    message: str


class Incompletion(BaseModel):
    """Why a response was cut off."""

    reason: str | None = None


class Response(BaseModel):
    """What is read of a response; it may have more."""

    id: str = ""
    model: str
    status: str | None = None
    output: Sequence[Item] = ()
    usage: Tokens | None = None
    service_tier: str | None = None
    error: Fault | None = None
    incomplete_details: Incompletion | None = None

    @property
    def parts(self) -> list[Part]:
        """What the model says, in order."""
        return [part for item in self.output if item.type == "message" for part in item.content or ()]

    @property
    def text(self) -> str:
        """The texts of what the model says, joined."""
        return "".join(part.text for part in self.parts if part.type == "output_text")


class OpenAIClient:
    """Calls OpenAI, or a server that speaks its wire, with one key. Nothing is tried twice."""

    def __init__(self, api_key: str, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {api_key}"},
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def create(self, body: Mapping[str, Any], seconds: float) -> Response:
        """Has the model write.

        Every call raises :class:`Refused`, :class:`Unreachable`, :class:`Malformed` or ``TimeoutError``.
        """
        return _response(await self._call("POST", "/responses", seconds, body))

    async def retrieve(self, response_id: str, seconds: float) -> Response:
        """What has become of a response that is written in the background."""
        return _response(await self._call("GET", f"/responses/{response_id}", seconds))

    async def cancel(self, response_id: str, seconds: float) -> None:
        """Ends a response that is written in the background."""
        await self._call("POST", f"/responses/{response_id}/cancel", seconds)

    async def check_model(self, model: str, seconds: float) -> None:
        """Raises :class:`Refused` where the key is none, or may not use the model."""
        await self._call("GET", f"/models/{quote(model, safe='')}", seconds)

    async def close(self) -> None:
        await self._session.close()

    async def _call(self, method: str, path: str, seconds: float, body: Mapping[str, Any] | None = None) -> bytes:
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT)
        # Not orjson's bytes, which keep the 16 kB that it wrote them into for as long as the model takes.
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, self._base_url + path, data=data, headers=headers, timeout=timeout
            ) as response:
                content = await response.read()
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from error
        if response.status >= 400:
            raise Refused(response.status, response.headers, content)
        return content


def _response(content: bytes) -> Response:
    try:
        return Response.model_validate_json(content)
    except ValidationError as error:
        # Without the input, which is the customer's text.
        raise Malformed(f"{error.error_count()} faults, the first in {error.errors()[0]['loc']}") from None


def _error(content: bytes) -> Mapping[str, Any]:
    """The error object of a body, empty where there is none."""
    try:
        body = orjson.loads(content)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}
