"""HTML forms (https://url.spec.whatwg.org/#application/x-www-form-urlencoded)."""

from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import nul_refused, read_bytes
from agenciaos_jobs.http.problems import RequestError

CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 1_000

_NOT_A_FORM = Text(f"O corpo deve ser {CONTENT_TYPE} em UTF-8", f"The body must be {CONTENT_TYPE} in UTF-8")
_MALFORMED = Text(
    f"O formulário está malformado ou passa de {MAX_FIELDS} campos",
    f"The form is malformed or has more than {MAX_FIELDS} fields",
)


async def read_form(request: web.Request, *, max_bytes: int) -> Mapping[str, list[str]]:
    """The submitted form, with all values of each name; empty for an empty body.

    Raises 415 for another content type or charset, 400 for a malformed form, 422 for one that contains U+0000, and as
    :func:`read_bytes`.
    """
    if not request.body_exists:
        return {}
    charset = (request.charset or "utf-8").lower()
    if request.content_type != CONTENT_TYPE or charset not in {"utf-8", "utf8"}:
        raise RequestError(415, _NOT_A_FORM, headers={"Accept": CONTENT_TYPE})
    body = await read_bytes(request, max_bytes=max_bytes)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise RequestError(400, _MALFORMED) from None
    fields: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise nul_refused(name.replace("\0", ""))
        fields[name].append(value)
    return fields
