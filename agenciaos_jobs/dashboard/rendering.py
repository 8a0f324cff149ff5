"""Renders views as HTML, in the reader's language and theme."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jinja2
import orjson
from aiohttp import web
from markupsafe import Markup

from agenciaos_jobs.dashboard import navigation, static_files
from agenciaos_jobs.dashboard.charts import sparkline
from agenciaos_jobs.dashboard.labels import CALLS, SOURCES, STATUSES, TONES, UNKNOWN_AGENCY
from agenciaos_jobs.dashboard.sessions import Session
from agenciaos_jobs.dashboard.store.queues import Holds
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.keys import CLOCK
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.payments.resources import PAYMENTS
from agenciaos_jobs.people.role import Role

SESSION = web.RequestKey("dashboard_session", Session)
HOLDS = web.RequestKey("dashboard_holds", Holds)

THEMES = ("auto", "light", "dark")

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_COMPRESSED_FROM = 1_000


def language_of(request: web.BaseRequest) -> Language:
    """The language that the reader chose, else the browser's."""
    match request.cookies.get("language"):
        case "pt":
            return "pt"
        case "en":
            return "en"
    return accepted_language(request)


def formatter(request: web.Request) -> Formatter:
    """The formatter for the language and time of this request."""
    return Formatter(language_of(request), request.app[CLOCK].now())


def render(request: web.Request, template: str, *, status: int = 200, **view: Any) -> web.Response:
    """The page ``template`` with the variables of ``view``.

    A script that refreshes the live parts sends ``X-Live``, and receives the page without its frame.
    """
    text = _rooted(_templates().get_template(template).render(_context(request) | view), public_url.root(request))
    response = web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
    response.headers["Vary"] = "Accept-Encoding, Accept-Language, Cookie"
    if len(text) > _COMPRESSED_FROM:
        response.enable_compression()
    return response


def _rooted(page: str, root: str) -> str:
    """The page with ``root`` before each local address. No data can match: its quotes are escaped."""
    return re.sub(r'\b(href|src|action)="/', rf'\1="{root}/', page) if root else page


def _context(request: web.Request) -> dict[str, Any]:
    fmt = formatter(request)
    session = request.get(SESSION)
    theme = request.cookies.get("theme")
    return {
        "frame": "bare.html" if "X-Live" in request.headers else "frame.html",
        "language": fmt.language,
        "fmt": fmt,
        "t": fmt.text,
        "menu": navigation.menu(request.app, session.role if session else Role.VIEWER),
        "path": request.path,
        "here": request.path_qs,
        "query": request.query,
        "with_query": lambda **changes: with_query(request.query, changes),
        "session": session,
        "may_act": session is not None and session.role.includes(Role.OPERATOR),
        "holds": request.get(HOLDS),
        "csrf": session.csrf if session else "",
        "base_plan": request.app[PAYMENTS].terms.base_plan,
        "theme": theme if theme in THEMES else "auto",
    }


def with_query(query: Mapping[str, str], changes: Mapping[str, Any]) -> str:
    """The query string with some values changed; an empty value removes its name. Begins with ``?``."""
    values = {**query, **changes}
    return "?" + urlencode({name: value for name, value in values.items() if value not in (None, "")})


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n") if part.strip()]


_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])")


def _whatsapp(text: str) -> Markup:
    """A message with its bold parts as WhatsApp shows them; the asterisks stay, so that a copy is the message itself.

    https://faq.whatsapp.com/539178204879377
    """
    parts = enumerate(_BOLD.split(text))
    return Markup().join(Markup("<b><i>*</i>{}<i>*</i></b>").format(part) if at % 2 else part for at, part in parts)


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agenciaos_jobs.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"pretty": _pretty, "paragraphs": _paragraphs, "points": sparkline, "whatsapp": _whatsapp}
    environment.globals |= {"static": static_files.url, "STATUSES": STATUSES, "TONES": TONES}
    environment.globals |= {"SOURCES": SOURCES, "CALLS": CALLS, "UNKNOWN_AGENCY": UNKNOWN_AGENCY}
    return environment
