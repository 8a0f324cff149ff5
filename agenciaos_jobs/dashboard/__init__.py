"""The dashboard: every run, and the actions on it.

A page is one module with its view, its handlers and ``PAGES``. Its template is in ``templates``, its queries are in
``store``. In a template, ``t("português", "English")`` is the text in the reader's language.
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
    overview,
    payments,
    queues,
    reference,
    report_delivery,
    reports,
    run,
    runs,
    schedules,
    test,
    waiting,
)
from agenciaos_jobs.dashboard.pages.access import audit, login, openid, people
from agenciaos_jobs.dashboard.pages.costs import costs, owner_message
from agenciaos_jobs.dashboard.pages.exports import lists
from agenciaos_jobs.dashboard.pages.find import suggestions, views
from agenciaos_jobs.dashboard.pages.workbench import compose, downloads, result
from agenciaos_jobs.http.keys import PROBLEM_PAGE

MODULES = (
    *(login, openid, live, overview, runs, suggestions, views, bulk, run, waiting, errors, agencies),
    *(report_delivery, reports, queues, schedules, compose, result, downloads, test, payments, alerts, reference),
    *(costs, owner_message, lists, people, audit),
)


def add_to(app: web.Application) -> None:
    """Adds the routes of the pages and of their static files, and the error page."""
    app[PROBLEM_PAGE] = problem_page
    for module in MODULES:
        for page in module.PAGES:
            page.add_to(app)
    app.router.add_get("/static/{version}/{name}", static_files.serve)
