"""The errors that calls raise."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agenciaos_jobs.client.models import Run


class ClientError(Exception):
    """Any error of this client."""


class APIConnectionError(ClientError):
    """The service could not be reached, or the connection broke off, in every attempt."""


class APIError(ClientError):
    """The service refused a request with a problem document (RFC 9457), or responded with something else.

    ``status`` is the HTTP status, ``problem`` the document, ``fields`` the invalid fields of the request with the
    reason for each, and ``request_id`` what the service's log calls the request.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(problem.get("error") or f"HTTP {status}")
        self.status, self.problem = status, problem
        self.request_id: str | None = problem.get("requestId")

    @property
    def fields(self) -> dict[str, str]:
        return {error["field"]: error["message"] for error in self.problem.get("errors", ())}


class InvalidRequestError(APIError):
    """The request is malformed (400), too large (413) or has invalid fields (422)."""


class AuthenticationError(APIError):
    """The key or token is missing, wrong or expired (401)."""


class PermissionDeniedError(APIError):
    """The public token does not allow this request (403)."""


class NotFoundError(APIError):
    """There is no such task, run, batch or schedule (404)."""


class ConflictError(APIError):
    """The state of the run, or of the idempotency key, does not allow it (409)."""


class RateLimitError(APIError):
    """Too many requests (429), in every attempt."""


class ServerError(APIError):
    """The service failed or is unavailable (500 and above), in every attempt."""


class RunFailedError(ClientError):
    """A run that was waited for has ended without success; ``run`` has its status and error."""

    def __init__(self, run: "Run") -> None:
        reason = run.error.message if run.error else ""
        super().__init__(f"{run.id} is {run.status}" + (f": {reason}" if reason else ""))
        self.run = run


_BY_STATUS: Mapping[int, type[APIError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def error_of(status: int, problem: Mapping[str, Any]) -> APIError:
    """The error for a response with this status."""
    return _BY_STATUS.get(status, ServerError if status >= 500 else APIError)(status, problem)
