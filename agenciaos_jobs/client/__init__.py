"""The client for programs that trigger jobs and follow runs over HTTP::

    from agenciaos_jobs.client import Client

    async with Client("https://jobs.example.com", key) as client:
        run = await client.trigger_and_wait("generate-ai-content", payload, tags=["campaign-7"])
        print(run.output)

:class:`SyncClient` has the same methods without ``await``. It needs aiohttp and pydantic, and PyJWT for public tokens;
nothing of the service is imported. docs/python-client.md goes on from here.
"""

from agenciaos_jobs.client.client import Client
from agenciaos_jobs.client.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RunFailedError,
    ServerError,
)
from agenciaos_jobs.client.models import (
    Attempt,
    BatchHandle,
    BatchItem,
    Page,
    Run,
    RunError,
    RunHandle,
    Schedule,
    SchedulePage,
)
from agenciaos_jobs.client.options import TriggerOptions
from agenciaos_jobs.client.sync import SyncClient

__all__ = [
    "APIConnectionError",
    "APIError",
    "Attempt",
    "AuthenticationError",
    "BatchHandle",
    "BatchItem",
    "Client",
    "ConflictError",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "PermissionDeniedError",
    "RateLimitError",
    "Run",
    "RunError",
    "RunFailedError",
    "RunHandle",
    "Schedule",
    "SchedulePage",
    "ServerError",
    "SyncClient",
    "TriggerOptions",
]
