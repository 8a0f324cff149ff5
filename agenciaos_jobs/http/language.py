"""The language of a response."""

from aiohttp import web

from agenciaos_jobs.foundation.i18n.language import Language, preferred


def accepted_language(request: web.BaseRequest) -> Language:
    """The language that the request's ``Accept-Language`` prefers."""
    return preferred(request.headers.get("Accept-Language", ""))
