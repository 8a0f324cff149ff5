"""Problem documents (RFC 9457), with the field ``error`` that Trigger.dev's SDK and AgênciaOS read."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agenciaos_jobs.foundation.errors import EMPTY, DomainError, InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import REQUEST_ID
from agenciaos_jobs.http.language import accepted_language


class FieldError(BaseModel):
    """An invalid field."""

    field: str = Field(description="Where it stands, such as payload.agencyId; empty for the body as a whole")
    message: str
    code: str


class Problem(BaseModel):
    """The reason that a request was refused."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error: str = Field(description="The same as detail, and after it each wrong field")
    errors: list[FieldError] = []
    requestId: str | None = None  # noqa: N815


class RequestError(DomainError):
    """An error of the endpoint itself, rather than of the domain."""

    def __init__(
        self,
        status: int,
        text: Text,
        *,
        headers: Mapping[str, str] = EMPTY,
        extra: Mapping[str, Any] = EMPTY,
    ) -> None:
        self.status, self.text, self.headers = status, text, headers
        super().__init__(extra=extra)


def problem_response(request: web.BaseRequest, error: DomainError) -> web.Response:
    """The error as a :class:`Problem` in the request's preferred language."""
    chosen = accepted_language(request)
    body = orjson.dumps(problem_document(error, chosen, request.get(REQUEST_ID)))
    headers = {"Content-Language": "pt-BR" if chosen == "pt" else "en", **error.headers}
    return web.Response(status=error.status, body=body, content_type="application/problem+json", headers=headers)


def problem_document(error: DomainError, language: Language, request_id: str | None = None) -> dict[str, Any]:
    """The error as a :class:`Problem`, in JSON."""
    detail = error.text.in_language(language)
    errors = [_field_error(wrong, language) for wrong in error.fields]
    problem = Problem(
        title=_TITLES.get(error.status, _TITLES[500]).in_language(language),
        status=error.status,
        detail=detail,
        error=_with_fields(detail, errors),
        errors=errors,
        requestId=request_id,
        **error.extra,
    )
    return problem.model_dump(mode="json", exclude_none=True)


def invalid(error: ValidationError, *prefix: str) -> InvalidFieldsError:
    """422 with every field that pydantic rejected; ``prefix`` is the path of the validated part.

    As with Trigger.dev, it is 400 where the only error is an idempotency key in the options that is too long.
    """
    fields = [
        WrongField((*prefix, *problem["loc"]), problem["type"], problem["msg"], problem.get("ctx", {}))
        for problem in error.errors(include_input=False, include_url=False)
    ]
    refused = InvalidFieldsError(fields=fields)
    if all(map(_is_too_long_a_key, fields)):
        refused.status = 400
    return refused


def _is_too_long_a_key(wrong: WrongField) -> bool:
    keys = (("options", "idempotencyKey"), ("idempotencyKeyOptions", "key"))
    return wrong.code == "string_too_long" and wrong.place[-2:] in keys


def wrong_field(name: str, code: str, english: str, **context: Any) -> InvalidFieldsError:
    """422 for one field. ``context`` fills the placeholders of the Portuguese message."""
    return InvalidFieldsError(fields=[WrongField((name,) if name else (), code, english, context)])


def from_http(error: web.HTTPException) -> RequestError:
    """An aiohttp error as one of ours."""
    kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return RequestError(error.status, _DETAILS.get(error.status, _TITLES.get(error.status, _TITLES[500])), headers=kept)


def internal() -> RequestError:
    """500, without any detail of the cause."""
    return RequestError(500, _DETAILS[500])


def _field_error(wrong: WrongField, chosen: Language) -> FieldError:
    return FieldError(field=".".join(map(str, wrong.place)), message=wrong.message(chosen), code=wrong.code)


def _with_fields(detail: str, errors: list[FieldError]) -> str:
    """The detail with the invalid fields after it: Trigger.dev's SDK shows its caller only ``error``."""
    listed = "; ".join(f"{error.field}: {error.message}" if error.field else error.message for error in errors[:10])
    return f"{detail}: {listed}" if listed else detail


_TITLES: Mapping[int, Text] = {
    400: Text("Requisição inválida", "Bad request"),
    401: Text("Não autorizado", "Unauthorized"),
    403: Text("Proibido", "Forbidden"),
    404: Text("Não encontrado", "Not found"),
    405: Text("Método não permitido", "Method not allowed"),
    408: Text("Tempo esgotado", "Request timeout"),
    409: Text("Conflito", "Conflict"),
    413: Text("Corpo grande demais", "Body too large"),
    415: Text("Tipo de conteúdo não aceito", "Unsupported media type"),
    422: Text("Campos inválidos", "Invalid fields"),
    429: Text("Requisições demais", "Too many requests"),
    500: Text("Erro interno", "Internal error"),
    501: Text("Não existe aqui", "Not implemented"),
    503: Text("Indisponível", "Unavailable"),
}
_DETAILS: Mapping[int, Text] = {
    404: Text("Este endereço não existe", "This URL does not exist"),
    405: Text("Este endereço não aceita este método", "This URL does not accept this method"),
    413: Text("O corpo passa de 3 MB", "The body is larger than 3 MB"),
    500: Text("Erro interno; o log traz os detalhes", "Internal error; the log has the details"),
}
