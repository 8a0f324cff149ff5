"""The dashboard: every run, and what can be done about it.

A page is one module: its view, its handler, and ``PAGES``. Its template stands in ``templates``, its queries in
``storage``. ``t("português", "English")`` says a text in the reader's language.
"""

from aiohttp import web

from agenciaos_jobs.dashboard import static_files
from agenciaos_jobs.dashboard.page import problem_page
from agenciaos_jobs.dashboard.pages import (
    agencies,
    alerts,
    bulk,
    errors,
    live,
    login,
    overview,
    payments,
    reports,
    run,
    runs,
    schedules,
    test,
)
from agenciaos_jobs.http.keys import PROBLEM_PAGE

MODULES = (login, live, overview, runs, bulk, run, errors, agencies, reports, schedules, test, payments, alerts)


def add_to(app: web.Application) -> None:
    """Adds the pages' routes, those of what they load, and the page that shows an error."""
    app[PROBLEM_PAGE] = problem_page
    for module in MODULES:
        for page in module.PAGES:
            page.add_to(app)
    app.router.add_get("/static/{version}/{name}", static_files.serve)
