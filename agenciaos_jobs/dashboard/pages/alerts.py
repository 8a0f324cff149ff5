"""Alerts, the notifications sent for them, and the state of the channels."""

from aiohttp import web

from agenciaos_jobs.alerts.affected import NOBODY, affected
from agenciaos_jobs.alerts.alert import CHANNELS, Alert
from agenciaos_jobs.alerts.kind import KINDS, condition_kinds
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.text import explanation, page_of
from agenciaos_jobs.dashboard import cursor
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.dashboard.store import alerts as dashboard_alerts
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import ALERTING, DATABASE
from agenciaos_jobs.http.problems import RequestError

PAGE = 50
MAX_NOTICES = 50

NAMES = {"email": "E-mail", "slack": "Slack", "webhook": "Webhook"}

_UNKNOWN = Text("Alerta não encontrado", "Alert not found")


async def show_alerts(request: web.Request) -> web.StreamResponse:
    database, query = request.app[DATABASE], request.query
    kind = KINDS.get(query.get("kind", ""))
    found = await dashboard_alerts.page(database, kind=kind, after=cursor.read(query.get("after", "")), limit=PAGE + 1)
    language, about = language_of(request), await affected(database, found[:PAGE])
    alerting = request.app[ALERTING]
    states = {state.channel: state for state in await alerts.channel_states(database)}
    return render(
        request,
        "alerts.html",
        rows=[(alert, *explanation(alert, language, about.get(alert.id, NOBODY))[:2]) for alert in found[:PAGE]],
        older=cursor.written(found[PAGE - 1].raised_at, found[PAGE - 1].id) if len(found) > PAGE else None,
        is_first_page="after" not in query,
        channels=[(NAMES[name], name in alerting.channels, states.get(name)) for name in CHANNELS],
        kinds={kind: kind.label for kind in KINDS.values()},
        conditions=condition_kinds(),
    )


async def show_alert(request: web.Request) -> web.StreamResponse:
    database = request.app[DATABASE]
    alert_id = request.match_info["alert_id"]
    alert: Alert | None = await dashboard_alerts.one(database, alert_id)
    if alert is None:
        raise RequestError(404, _UNKNOWN)
    about = (await affected(database, [alert])).get(alert.id, NOBODY)
    title, what, advice = explanation(alert, language_of(request), about)
    return render(
        request,
        "alert.html",
        alert=alert,
        about=about,
        title=title,
        what=what,
        advice=advice,
        rule=request.app[ALERTING].rules.get(alert.kind),
        link=page_of(alert) if alert.kind.page != "/alerts" else None,
        notices=await dashboard_alerts.notices(database, alert.id, MAX_NOTICES),
        names=NAMES,
        is_condition=alert.kind.is_condition,
    )


PAGES = [Page("GET", "/alerts", show_alerts), Page("GET", "/alerts/{alert_id}", show_alert)]
