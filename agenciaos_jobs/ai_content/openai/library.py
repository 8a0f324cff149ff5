"""OpenAI's library: its clients, with this service's time limits, and without its retries.

It is imported inside the functions, because that takes a second. Commands, and servers without OpenAI's webhook, never
import it.
"""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI, Timeout

LONG, SHORT = 240, 30
"""Seconds for a call that waits for the model, within a foreground agent's 300, and for one that does not."""

CONNECT, WRITE, POOL = 10, 30, 20
"""Seconds until an address must have taken the connection, until a piece of the request must be sent, and until the
connection must stand, with the name resolved."""

_HERE = ("localhost", "127.0.0.1", "[::1]")


def client(api_key: str, base_url: str, organization: str | None, project: str | None) -> "AsyncOpenAI":
    """Tries nothing twice, and goes through the proxy that the environment names, but to this very machine."""
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI, DefaultAioHttpClient  # noqa: PLC0415

    quiet_logs()
    http = DefaultAioHttpClient(
        limits=httpx2.Limits(max_connections=0),  # for aiohttp any number: runs are limited by WORKER_MAX_JOBS
        mounts={f"all://{host}": None for host in _HERE},
    )
    made = AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, timeout=phases(LONG), http_client=http)
    # Set afterwards, because for ``None`` the library reads the environment.
    made.organization, made.project = organization, project
    _ = made.responses.with_raw_response, made.models.with_raw_response  # which imports the larger part
    return made


def phases(seconds: float) -> "Timeout":
    from openai import Timeout  # noqa: PLC0415

    return Timeout(connect=CONNECT, read=seconds, write=WRITE, pool=POOL)


def quiet_logs() -> None:
    """Keeps the library to warnings: below that it logs each request, and ``OPENAI_LOG`` would turn that on."""
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def verifier() -> "OpenAI":
    """A client that makes no requests, and so needs no key."""
    from openai import OpenAI  # noqa: PLC0415

    quiet_logs()
    client = OpenAI(api_key="unused")
    _ = client.webhooks
    return client
