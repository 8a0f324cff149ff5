"""Payments: every delivery, its effect on a plan, and those that await assignment to an agency."""

from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import quote

from aiohttp import web

from agenciaos_jobs.dashboard.cursor import read_number
from agenciaos_jobs.dashboard.labels import ACTIONS, SOURCES
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.rendering import formatter, render
from agenciaos_jobs.dashboard.store import payments as dashboard_payments
from agenciaos_jobs.dashboard.store import run, runs
from agenciaos_jobs.http.keys import CLOCK, DATABASE, LONG_READS, REDACTOR
from agenciaos_jobs.payments.assignment import (
    ASSIGNMENTS,
    UnknownAgencyError,
    UnknownPaymentError,
)
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.moving import move
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.policy.entitlement import APPLICATION
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.payments.resources import PAYMENTS
from agenciaos_jobs.payments.store import payments
from agenciaos_jobs.payments.store.payments import PaymentRecord
from agenciaos_jobs.payments.words import sentence

PAGE = 50
MAX_WAITING = 20
SENDERS = (*(provider.name for provider in PROVIDERS), APPLICATION)


class Filter(TypedDict):
    """Which deliveries are listed; ``None`` for any."""

    agency_id: str | None
    action: Action | None
    source: str | None


async def show_payments(request: web.Request) -> web.StreamResponse:
    database, query = request.app[LONG_READS], request.query
    found = await dashboard_payments.page(
        database,
        **read_filter(query),
        before_id=read_number(query.get("before", "")),
        limit=PAGE + 1,
    )
    fmt, rows = formatter(request), found[:PAGE]
    waiting = await payments.unmatched(database, request.app[CLOCK].now())
    return render(
        request,
        "payments.html",
        rows=[(row, sentence(row.record, fmt)) for row in rows],
        older=rows[-1].record.id if len(found) > PAGE else None,
        is_first_page="before" not in query,
        is_filtered=any(query.get(name) for name in ("action", "source", "agency")),
        waiting=[(record, sentence(record, fmt)) for record in waiting[:MAX_WAITING]],
        waiting_in_all=len(waiting),
        agencies=await runs.agencies(database),
        actions=ACTIONS,
        senders={name: SOURCES[name] for name in SENDERS},
        webhook=f"/webhooks/{SENDERS[0]}",
    )


def read_filter(query: Mapping[str, str]) -> Filter:
    """The filter in a query. Unknown values are ignored."""
    return {
        "agency_id": query.get("agency", "").strip()[:200] or None,
        "action": next((known for known in Action if known == query.get("action")), None),
        "source": query.get("source") if query.get("source") in SENDERS else None,
    }


async def show_payment(request: web.Request) -> web.StreamResponse:
    return await _page(request, await _record(request), {})


async def assign(request: web.Request) -> web.StreamResponse:
    """Assigns the payment to an agency, and with it the customer's other unmatched ones. Runs process them."""
    record, agency_id = await _record(request), (await form(request)).get("agency", "").strip()
    try:
        if not agency_id:
            raise UnknownAgencyError(agency_id)
        await request.app[ASSIGNMENTS].assign(record.id, agency_id)
    except UnknownAgencyError as error:
        return await _page(request, record, {"agency": agency_id, "wrong": formatter(request).of(error.text)})
    return redirect(f"/payments/{record.id}?done=assigned")


async def move_purchase(request: web.Request) -> web.StreamResponse:
    """Gives the payment's purchase to another agency. Both get the plan that their purchases give."""
    record, agency_id = await _record(request), (await form(request)).get("agency", "").strip()
    app = request.app
    try:
        await move(app[DATABASE], app[CLOCK], app[PAYMENTS], record.contract_id or "", agency_id)
    except UnknownAgencyError as error:
        return await _page(request, record, {"agency": agency_id, "wrong": formatter(request).of(error.text)})
    return redirect(f"/agencies/{quote(agency_id, safe='')}")


async def give_plan(request: web.Request) -> web.StreamResponse:
    """Gives the payment's product a plan. Runs process the payments that were rejected for it."""
    record = await _record(request)
    await request.app[ASSIGNMENTS].give_plan(record.id, (await form(request)).get("plan", ""))
    return redirect(f"/payments/{record.id}?done=product")


async def _page(request: web.Request, record: PaymentRecord, refused: Mapping[str, str]) -> web.Response:
    """The page of a delivery; ``refused`` holds the form's value and its error."""
    database, fmt = request.app[LONG_READS], formatter(request)
    others = await dashboard_payments.same_event(database, record)
    terms = await current_terms(database, request.app[PAYMENTS])
    can_move = bool(record.agency_id and record.contract_id)
    waits = record.action is Action.UNMATCHED and all(other.id < record.id for other in others)
    return render(
        request,
        "payment.html",
        status=422 if refused else 200,
        payment=record,
        words=sentence(record, fmt),
        agency=await run.agency_name(database, record.agency_id) if record.agency_id else None,
        body=request.app[REDACTOR].value(record.payload),
        others=[(other, sentence(other, fmt)) for other in others],
        runs=await run.replays(database, record.run_id),
        waits=waits,
        refused=refused,
        is_unlisted=_is_unlisted(record, terms),
        paid_plans=request.app[ASSIGNMENTS].plans[1:],
        can_move=can_move,
        agencies=await runs.agencies(database) if waits or can_move else [],
        actions=ACTIONS,
        done=request.query.get("done"),
    )


def _is_unlisted(record: PaymentRecord, terms: Terms) -> bool:
    """Whether it was rejected for its product, which still has no plan."""
    is_rejected = record.action is Action.REJECTED and record.code == "unknown_product"
    return is_rejected and record.product_id is not None and record.product_id not in terms.products


async def _record(request: web.Request) -> PaymentRecord:
    number = read_number(request.match_info["payment_id"])
    record = await payments.get(request.app[DATABASE], number) if number is not None else None
    if record is None:
        raise UnknownPaymentError(request.match_info["payment_id"])
    return record


PAGES = [
    Page("GET", "/payments", show_payments),
    Page("GET", "/payments/{payment_id}", show_payment),
    Page("POST", "/payments/{payment_id}/assign", assign, detail=("agency",)),
    Page("POST", "/payments/{payment_id}/move", move_purchase, detail=("agency",)),
    Page("POST", "/payments/{payment_id}/product", give_plan, detail=("plan",)),
]
