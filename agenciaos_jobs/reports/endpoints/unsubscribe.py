"""Unsubscribing from reports: a page for people, and RFC 8058's one-click POST for mail programs."""

from html import escape

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, DATABASE
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.reports.delivery.unsubscribe import PATH, read
from agenciaos_jobs.reports.resources import REPORTS
from agenciaos_jobs.reports.store import deliveries

_INVALID = Text("Este link não é válido", "This link is not valid")
_ASK = Text("Não receber mais os relatórios mensais em {email}?", "Stop receiving the monthly reports at {email}?")
_BUTTON = Text("Cancelar o recebimento", "Unsubscribe")
_DONE = Text("{email} não receberá mais os relatórios mensais.", "{email} will receive no more monthly reports.")

_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>AgênciaOS</title></head>
<body><main><h1>AgênciaOS</h1><p>{text}</p>{form}</main></body></html>"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def show_unsubscription(request: web.Request) -> web.Response:
    """A confirmation page only, because mail scanners follow the links in a mail."""
    _, email = _subscription(request)
    button = escape(_BUTTON.in_language(accepted_language(request)))
    return _page(request, _ASK.format(email=email), f'<form method="post"><button>{button}</button></form>')


async def unsubscribe(request: web.Request) -> web.Response:
    """Unsubscribes the address; repeating it changes nothing. The body, which RFC 8058 prescribes, is not read."""
    agency_id, email = _subscription(request)
    now = request.app[CLOCK].now()
    await deliveries.set_recipient(request.app[DATABASE], agency_id, email, "unsubscribed", now)
    return _page(request, _DONE.format(email=email), "")


def _subscription(request: web.Request) -> tuple[str, str]:
    found = read(request.query.get("token", ""), request.app[REPORTS].keys)
    if found is None:
        raise RequestError(404, _INVALID)
    return found


def _page(request: web.Request, text: Text, form: str) -> web.Response:
    language = accepted_language(request)
    shown = escape(text.in_language(language))
    page = _PAGE.format(language="pt-BR" if language == "pt" else "en", text=shown, form=form)
    return web.Response(text=page, content_type="text/html", headers=_HEADERS)


_QUERY = {"token": {"type": "string", "description": "as in the link of a mail"}}

OPERATIONS = [
    Operation(
        "GET",
        PATH,
        show_unsubscription,
        Text("Pergunta antes de cancelar o recebimento de relatórios", "Asks before it unsubscribes from reports"),
        {200: "text/html"},
        query=_QUERY,
        problems=(404,),
        needs_key=False,
    ),
    Operation(
        "POST",
        PATH,
        unsubscribe,
        Text("Cancela o recebimento de relatórios (RFC 8058)", "Unsubscribes from reports (RFC 8058)"),
        {200: "text/html"},
        query=_QUERY,
        problems=(404, 503),
        needs_key=False,
    ),
]
