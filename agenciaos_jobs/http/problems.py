"""Errors as answers: RFC 9457 documents that also carry ``error``, which Trigger.dev's SDK and AgênciaOS read."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agenciaos_jobs.foundation import language
from agenciaos_jobs.foundation.language import Language, Text
from agenciaos_jobs.http.keys import REQUEST_ID


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="Where it stands, such as payload.agencyId; empty for the body as a whole")
    message: str
    code: str


class Problem(BaseModel):
    """What is wrong with a request."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error: str = Field(description="The same as detail, and after it each wrong field")
    errors: list[FieldError] = []
    requestId: str | None = None  # noqa: N815


class HttpProblem(Exception):  # noqa: N818
    """A request that can't be answered as asked; the error middleware turns it into a :class:`Problem`."""

    def __init__(
        self,
        status: int,
        text: Text,
        *,
        errors: Iterable[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text["en"])
        self.status, self.text, self.errors = status, text, list(errors)
        self.headers, self.extra = dict(headers or {}), dict(extra or {})

    def answer(self, request: web.BaseRequest) -> web.Response:
        chosen = language.of(request)
        detail = self.text[chosen]
        errors = [_field_error(error, chosen) for error in self.errors]
        problem = Problem(
            title=_TITLES.get(self.status, _TITLES[500])[chosen],
            status=self.status,
            detail=detail,
            error=_with_fields(detail, errors),
            errors=errors,
            requestId=request.get(REQUEST_ID),
            **self.extra,
        )
        body = orjson.dumps(problem.model_dump(mode="json", exclude_none=True))
        headers = {"Content-Language": "pt-BR" if chosen == "pt" else "en", **self.headers}
        return web.Response(status=self.status, body=body, content_type="application/problem+json", headers=headers)


def invalid(error: ValidationError, *prefix: str) -> HttpProblem:
    """422 with every field that pydantic found wrong; ``prefix`` says where the validated part stands.

    As with Trigger.dev, it is 400 where nothing but an option's idempotency key is too long.
    """
    problems = [
        {
            "field": [*prefix, *problem["loc"]],
            "code": problem["type"],
            "text": problem["msg"],
            "ctx": problem.get("ctx", {}),
        }
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return HttpProblem(400 if all(map(_is_too_long_a_key, problems)) else 422, _INVALID, errors=problems)


def _is_too_long_a_key(problem: Mapping[str, Any]) -> bool:
    keys = (["options", "idempotencyKey"], ["idempotencyKeyOptions", "key"])
    return problem["code"] == "string_too_long" and problem["field"][-2:] in keys


def wrong_field(name: str, code: str, english: str, **context: Any) -> HttpProblem:
    """422 for one field; ``context`` is what the message in Portuguese tells besides."""
    return HttpProblem(
        422, _INVALID, errors=[{"field": [name] if name else [], "code": code, "text": english, "ctx": context}]
    )


def unavailable() -> HttpProblem:
    """503: the database is away, and nothing was stored."""
    return HttpProblem(503, _UNAVAILABLE, headers={"Retry-After": "5"})


def from_http(error: web.HTTPException) -> HttpProblem:
    """aiohttp's own refusals in our form."""
    kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return HttpProblem(error.status, _DETAILS.get(error.status, _TITLES.get(error.status, _TITLES[500])), headers=kept)


def internal() -> HttpProblem:
    """500 without a word about what went wrong inside."""
    return HttpProblem(500, _DETAILS[500])


def _field_error(error: Mapping[str, Any], chosen: Language) -> FieldError:
    message = language.field_message(error["code"], error["text"], error["ctx"], chosen)
    return FieldError(field=".".join(map(str, error["field"])), message=message, code=error["code"])


def _with_fields(detail: str, errors: list[FieldError]) -> str:
    """Trigger.dev's SDK shows its caller nothing but ``error``."""
    told = "; ".join(f"{error.field}: {error.message}" if error.field else error.message for error in errors[:10])
    return f"{detail}: {told}" if told else detail


_INVALID: Text = {"pt": "Há campos inválidos na requisição", "en": "The request has invalid fields"}
_UNAVAILABLE: Text = {
    "pt": "Banco de dados indisponível; tente novamente em alguns segundos",
    "en": "The database is unavailable; try again in a few seconds",
}
_TITLES: Mapping[int, Text] = {
    400: {"pt": "Requisição inválida", "en": "Bad request"},
    401: {"pt": "Não autorizado", "en": "Unauthorized"},
    403: {"pt": "Proibido", "en": "Forbidden"},
    404: {"pt": "Não encontrado", "en": "Not found"},
    405: {"pt": "Método não permitido", "en": "Method not allowed"},
    408: {"pt": "Tempo esgotado", "en": "Request timeout"},
    409: {"pt": "Conflito", "en": "Conflict"},
    413: {"pt": "Corpo grande demais", "en": "Body too large"},
    415: {"pt": "Tipo de conteúdo não aceito", "en": "Unsupported media type"},
    422: {"pt": "Campos inválidos", "en": "Invalid fields"},
    429: {"pt": "Requisições demais", "en": "Too many requests"},
    500: {"pt": "Erro interno", "en": "Internal error"},
    501: {"pt": "Não existe aqui", "en": "Not implemented"},
    503: {"pt": "Indisponível", "en": "Unavailable"},
}
_DETAILS: Mapping[int, Text] = {
    404: {"pt": "Este endereço não existe", "en": "There is nothing at this address"},
    405: {"pt": "Este endereço não aceita este método", "en": "This address does not take this method"},
    413: {"pt": "O corpo passa de 3 MB", "en": "The body is larger than 3 MB"},
    500: {"pt": "Erro interno; o log traz os detalhes", "en": "Internal error; the log has the details"},
}
