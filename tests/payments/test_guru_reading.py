"""Guru's bodies, read: every status, both spellings, every trap; and never an unhandled exception."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.guru import FIXTURES, PRODUCT, SALE, SUBSCRIPTION, UUID, body, changed

from agenciaos_jobs.payments.guru.reader import SALE_STATUSES, read, read_stored
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.policy.purchase import SUBSCRIPTION_STATUSES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def understood(content: Any) -> PaymentEvent:
    event = read(content if isinstance(content, bytes) else json.dumps(content).encode(), NOW)
    assert isinstance(event, PaymentEvent), event
    return event


def test_a_transaction_is_read():
    event = understood(body("tx_approved"))
    assert (event.kind, event.id, event.status, event.purchase_id, event.uuid) == (
        "transaction", SALE, "approved", SUBSCRIPTION, UUID,
    )  # fmt: skip
    assert (event.amount, event.cycle) == (Decimal("297.0"), 1)
    assert event.products[0] == PRODUCT
    assert "1731000001" in event.products
    assert (event.customer.email, event.customer.tracking) == ("marina@agenciaaurora.com.br", ("ws_01JAGENCIA",))
    assert event.period_end == datetime(2026, 12, 21, 3, tzinfo=UTC)


def test_a_coupon_of_100_percent_is_an_amount_of_zero():
    event = understood(body("tx_approved", payment__total=0, payment__gross=297.0))
    assert (event.amount, event.currency) == (Decimal(0), "BRL")
    assert understood(body("tx_approved", payment__total=None)).amount == Decimal("297.0")


def test_the_product_is_looked_for_in_every_item():
    bump = {"offer": {"id": "bump"}, "id": "b"}
    event = understood(body("tx_approved", product=[], items=[{"offer": {"id": "mug"}, "id": "m"}, bump]))
    assert event.products == ("mug", "m", "bump", "b")


def test_a_subscription_is_read():
    event = understood(body("sub_active"))
    assert (event.kind, event.id, event.status, event.uuid) == ("subscription", SUBSCRIPTION, "active", UUID)
    assert event.facts.snapshot
    assert event.facts.snapshot.version == datetime(2026, 11, 20, 13, 2, 12, tzinfo=UTC)
    assert event.facts.charges[0].is_invoice


EVENT_IDS = {
    "sub_active": "subscription:sub_AgOs00000000001:active:68d04a257220638c",
    "sub_canceled": "subscription:sub_AgOs00000000001:canceled:e4ba6a489aacd1fb",
    "sub_pastdue": "subscription:sub_AgOs00000000001:pastdue:993d2217d1827258",
    "tx_approved": "transaction:a0c1d2e3-0004-4000-8000-000000000004:approved:02a26e95b0b6e8ae",
    "tx_chargeback": "transaction:a0c1d2e3-0004-4000-8000-000000000004:chargeback:758ba345c984672d",
    "tx_refunded": "transaction:a0c1d2e3-0004-4000-8000-000000000004:refunded:4784626f560ac664",
}
"""As stored by earlier releases."""


@pytest.mark.parametrize(("name", "event_id"), EVENT_IDS.items())
def test_an_event_keeps_the_id_that_earlier_releases_stored(name: str, event_id: str):
    event = read((FIXTURES / f"{name}.json").read_bytes(), datetime(2026, 11, 28, tzinfo=UTC))
    assert isinstance(event, PaymentEvent)
    assert event.event_id == event_id


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.json")))
def test_a_stored_body_says_what_it_said_as_it_came(name: str):
    assert read_stored(body(name), NOW) == read(json.dumps(body(name)).encode(), NOW)


@pytest.mark.parametrize("amount", [0.1, 284.53, 1e22, 1e300, -0.0, float("inf"), float("nan")])
def test_an_amount_is_as_exact_from_a_float_as_from_its_text(amount: float):
    stored = read_stored(body("tx_approved", payment__total=amount), NOW)
    assert stored == understood(body("tx_approved", payment__total=amount))


@pytest.mark.parametrize("status", sorted(SALE_STATUSES))
def test_every_status_of_a_sale_is_known(status: str):
    event = understood(body("tx_approved", status=status))
    has_charge = bool(event.facts.charges)
    assert has_charge == (
        status in {"approved", "completed", "refunded", "chargeback", "dispute", "canceled", "expired"}
    )


@pytest.mark.parametrize("status", SUBSCRIPTION_STATUSES)
def test_every_status_of_a_subscription_is_known(status: str):
    assert understood(body("sub_active", last_status=status)).status == status


@pytest.mark.parametrize("text", ["29.37", "0.1", "97", "123456789.99", "29.370"])
def test_money_is_what_the_text_says(text: str):
    content = json.dumps(body("tx_approved")).replace('"total": 297.0', f'"total": {text}').encode()
    assert understood(content).amount == Decimal(text)


@pytest.mark.parametrize("flag", [1, True, "1", "true"])
def test_a_flag_is_set_in_all_its_forms(flag: Any):
    snapshot = understood(body("sub_active", cancel_at_cycle_end=flag)).facts.snapshot
    assert snapshot
    assert snapshot.ends_with_cycle


@pytest.mark.parametrize("flag", [0, False, "0", "", None, [], "false"])
def test_a_flag_is_not_set_by_anything_else(flag: Any):
    snapshot = understood(body("sub_active", cancel_at_cycle_end=flag)).facts.snapshot
    assert snapshot
    assert not snapshot.ends_with_cycle


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-24T10:00:01Z", datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)),
        ("2026-11-24T07:00:01-03:00", datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)),
        ("2026-11-24 10:00:01", datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (1795514401, datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)),
        ("1795514401", datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)),
    ],
)
def test_moments_come_in_several_forms(given: Any, meant: datetime):
    assert understood(body("tx_refunded", dates__updated_at=given, dates__canceled_at=None)).occurred_at == meant


@pytest.mark.parametrize(
    "given", ["", None, [], {}, "soon", "0000-00-00", -1, 10**30, "9999-12-31T23:59:59-12:00", True]
)
def test_what_is_no_moment_is_passed_over(given: Any):
    event = understood(body("tx_approved", dates__updated_at=given))
    assert event.occurred_at == datetime(2026, 11, 20, 13, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize("empty", [[], None, {}])
@pytest.mark.parametrize(
    "name", ["subscription", "invoice", "last_transaction", "contact", "product", "source", "payment"]
)
def test_objects_may_be_empty(name: str, empty: Any):
    event = understood(body("tx_approved", **{name: empty}))
    if name == "subscription":
        assert event.purchase_id == f"sale:{SALE}"
    if name == "product":
        assert event.products[0] == PRODUCT, "the first item's offer"


@pytest.mark.parametrize("name", ["current_invoice", "last_transaction", "credit_card", "subscriber", "cancelled_by"])
def test_a_subscription_s_objects_may_be_empty(name: str):
    assert understood(body("sub_active", **{name: []})).status == "active"


def test_both_spellings_are_the_same():
    told = body("tx_approved")
    told["payment"]["creditcard"] = told["payment"].pop("credit_card")
    told["payment"]["instalments"] = told["payment"].pop("installments")
    told["payment"]["method"] = "creditcard"
    assert understood(told) == understood(body("tx_approved"))


def test_the_rest_api_s_form_is_the_same_purchase():
    told = body("sub_active", id=UUID)
    del told["webhook_type"]
    event = understood(told)
    assert (event.purchase_id, event.uuid) == (SUBSCRIPTION, UUID)
    assert understood({"payload": body("sub_active"), "attempts": 3}) == understood(body("sub_active"))


def test_a_renewal_is_another_event_than_the_one_before():
    first, renewed = body("sub_active"), body("sub_active", current_invoice__cycle=2, current_invoice__code="in_2")
    ids = {understood(one).event_id for one in (first, renewed, body("sub_active", cancel_at_cycle_end=1), first)}
    assert len(ids) == 3


def test_a_webhook_that_was_switched_off_says_so():
    event = understood({"webhook_type": "webhook_deactivation", "id": "wh_1", "reason": "too many failures"})
    assert (event.kind, event.id) == ("webhook_deactivation", "wh_1")
    assert "too many failures" in (event.detail or "")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"[" * 5000, "not_json"),
        (b"9" * 5000, "not_json"),
        (b"[]", "not_an_object"),
        ({"webhook_type": "eticket"}, "unknown_webhook_type"),
        (body("tx_approved", id=None), "missing_id"),
        (body("tx_approved", status="teleported"), "unknown_status"),
        (body("tx_approved", dates=[]), "missing_date"),
        (body("sub_active", last_status=""), "unknown_status"),
        (body("sub_active", dates=[], current_invoice=[]), "missing_date"),
    ],
)
def test_what_is_not_understood_has_a_name(content: Any, code: str):
    found = read(content if isinstance(content, bytes) else json.dumps(content).encode(), NOW)
    assert isinstance(found, NotUnderstood)
    assert (found.code, bool(found.reason)) == (code, True)


SAMPLES = [json.loads(path.read_text("utf-8")) for path in sorted(FIXTURES.glob("*.json"))]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "2026-11-24", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [before]
    return [before] * bool(before) + [path for name, item in value.items() for path in paths(item, (*before, name))]


@given(st.data())
def test_a_mutated_sample_is_read_or_refused_by_name(data: st.DataObject):
    sample = deepcopy(data.draw(st.sampled_from(SAMPLES)))
    for path in data.draw(st.lists(st.sampled_from(paths(sample)), min_size=1, max_size=4)):
        try:
            sample = changed(sample, **{"__".join(path): data.draw(ANYTHING)})
        except (KeyError, TypeError):  # a mutation before has replaced the object
            continue
    found = read(json.dumps(sample).encode(), NOW)
    assert isinstance(found, NotUnderstood) or (found.event_id and found.occurred_at.tzinfo)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(content: bytes):
    assert isinstance(read(content, NOW), NotUnderstood)
