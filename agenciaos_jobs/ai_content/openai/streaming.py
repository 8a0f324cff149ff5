"""Streamed responses: the text while the model writes it, and then the response itself.

The events are OpenAI's (https://platform.openai.com/docs/api-reference/responses-streaming); those that are not used
are skipped. A response that has come whole is read as one that was not streamed, whatever follows it.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agenciaos_jobs.ai_content.openai.errors import named
from agenciaos_jobs.ai_content.openai.wire import ContentPart, Item, MalformedError, Response

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse

OnText = Callable[[str], None]
"""Called with all the text that the model has written so far, each time that there is more."""

_LAST = {"response.completed", "response.incomplete", "response.failed"}


class StreamFailedError(Exception):
    """OpenAI reports an error in a stream, whose status was 200. ``error`` has its ``code`` and ``message``."""

    def __init__(self, error: Any, request_id: str | None) -> None:
        super().__init__()
        self.error: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
        self.request_id = request_id


async def read(received: "LegacyAPIResponse[Any]", on_text: OnText) -> Response:
    """Reads a stream to its response, or the body of a server that does not stream.

    Raises :class:`StreamFailedError`, :class:`MalformedError` for a stream that ends without a response, and what the
    library raises for a lost connection.
    """
    if not received.headers.get("content-type", "").startswith("text/event-stream"):
        return Response.read(await received.http_response.aread(), received.request_id)
    text = ""
    async with aclosing(_events(received)) as events:
        async for event in events:
            kind = event.get("type")
            if kind == "response.output_text.delta":
                text += str(event.get("delta") or "")
                on_text(text)
            elif kind == "error":
                raise StreamFailedError(event, received.request_id)
            elif kind in _LAST:
                return _response_of(event, text, received.request_id)
    raise MalformedError(f"OpenAI's stream ended before its response{named(received.request_id)}")


async def _events(received: "LegacyAPIResponse[Any]") -> AsyncGenerator[Mapping[str, Any], None]:
    from openai import APIConnectionError, APIError, AsyncStream  # noqa: PLC0415

    try:
        async with received.parse(to=AsyncStream[dict[str, Any]]) as events:
            async for event in events:
                if isinstance(event, dict):
                    yield event
    except APIConnectionError:
        raise
    except APIError as error:
        raise StreamFailedError(error.body, received.request_id) from error
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise MalformedError(f"OpenAI's stream had an event that is no JSON{named(received.request_id)}") from None


def _response_of(event: Mapping[str, Any], text: str, request_id: str | None) -> Response:
    """The response of a stream's last event. Some gateways leave out of it what they have streamed."""
    response = Response.of(event.get("response"), request_id)
    if response.status == "completed" and not response.output and text:
        response.output = [Item(type="message", content=[ContentPart(type="output_text", text=text)])]
    return response
