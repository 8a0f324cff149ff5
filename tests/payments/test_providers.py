"""What every payment provider has to do, by Guru and by one that exists in the tests alone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.acme.provider import Acme, signature
from support.guru import PRODUCT, TOKEN, body
from support.histories import HISTORIES
from support.lives import lived
from support.service import Service, running_service

from agenciaos_jobs import registry
from agenciaos_jobs.payments.guru.provider import Guru
from agenciaos_jobs.payments.jobs.process_provider_webhook import job_of
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.provider import Provider, read
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def acme(state: str, at: str, account: str = "a1", **more: Any) -> dict[str, Any]:
    return {"account": account, "state": state, "at": at, "product": PRODUCT, "email": "ana@acme.example", **more}


def acme_event(state: str, at: str, account: str = "a1") -> PaymentEvent:
    event = read(Acme, acme(state, at, account), datetime.fromisoformat(at))
    assert isinstance(event, PaymentEvent)
    return event


DAYS = [f"2026-12-{day:02}T09:00:00+00:00" for day in (1, 2, 3, 9)]
EVENTS: dict[type[Provider], list[PaymentEvent]] = {
    Guru: [one for events, _, _ in HISTORIES.values() for one in events],
    Acme: [
        acme_event(state, at, account) for state in ("on", "late", "off") for at in DAYS for account in ("a1", "a2")
    ],
}
BODIES = {Guru: [body("tx_approved"), body("sub_active")], Acme: [acme("on", DAYS[0])]}
BOTH = pytest.mark.parametrize("provider", [Guru, Acme])


@BOTH
@given(data=st.data())
def test_any_order_and_repetition_of_events_ends_in_the_same_state(provider: type[Provider], data: st.DataObject):
    some = data.draw(st.lists(st.sampled_from(EVENTS[provider]), min_size=1, max_size=8))
    shuffled = data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some), max_size=6))))
    one, other = (lived(events, provider=provider.name)[0] for events in (some, shuffled))
    assert (one.plan, one.purchases) == (other.plan, other.purchases)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["on", DAYS[0]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@BOTH
@given(data=st.data())
def test_a_mutated_body_is_read_or_refused_by_name(provider: type[Provider], data: st.DataObject):
    sample = dict(data.draw(st.sampled_from(BODIES[provider])))
    for name in data.draw(st.lists(st.sampled_from(sorted(sample)), min_size=1, max_size=3)):
        sample[name] = data.draw(ANYTHING)
    event = read(provider, sample, NOW)
    assert isinstance(event, NotUnderstood) or (event.event_id and event.occurred_at.tzinfo)


def test_of_two_providers_purchases_the_better_one_counts():
    guru, _, _ = HISTORIES["an expiry"]
    for order in permutations([*guru, acme_event("on", DAYS[0])]):
        assert lived(list(order))[0].plan == "PRO"


@pytest.fixture
def _acme() -> Iterator[None]:
    """The one line that registers a provider, and the job that follows from it."""
    PROVIDERS.append(Acme)
    registry.add(job := job_of(Acme))
    yield
    PROVIDERS.remove(Acme)
    del registry.JOBS[job.task]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


async def deliver(service: Service, content: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    data = json.dumps(content).encode()
    signed = {"Acme-Signature": signature(data), "Content-Type": "application/json", "Authorization": ""} | headers
    async with service.http.post("/webhooks/acme", data=data, headers=signed) as response:
        return response.status, await response.json()


@pytest.mark.usefixtures("_acme")
async def test_a_second_provider_is_a_folder_and_a_line(settings: Settings, db: asyncpg.Connection):
    await db.execute("UPDATE users SET email = 'ana@acme.example' WHERE id = 'user-456'")
    async with running_service(settings) as service:
        assert (await deliver(service, acme("on", DAYS[0]), **{"Acme-Signature": "forged"}))[0] == 401
        states = [("on", "activated"), ("on", "duplicate"), ("off", "deactivated"), ("paused", "ignored")]
        for number, (state, action) in enumerate(states):
            at = "2026-11-20T09:00:00+00:00" if number < 2 else "2026-11-21T09:00:00+00:00"
            status, answer = await deliver(service, acme(state, at))
            assert status == 200
            run = await service.finished(answer["jobId"])
            assert (run["taskIdentifier"], run["output"]["action"]) == ("process-acme-webhook", action)
        await service.post("/webhooks/guru", body("tx_approved", api_token=TOKEN))
    rows = await db.fetch("SELECT id, source FROM jobs.contracts ORDER BY id")
    assert ("acme:a1", "acme") in {tuple(row) for row in rows}
    alerts = await db.fetch("SELECT kind, key FROM jobs.alerts WHERE key <> 'guru' ORDER BY kind")
    assert [tuple(row) for row in alerts] == [("payment_not_understood", "acme:paused"), ("wrong_token", "acme")]
