"""What histories of events mean for a plan, in whatever order they come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.guru import PRODUCT
from support.histories import D1, D2, HISTORIES, LATER, sub, tx

from agenciaos_jobs.payments.policy.application_decision import FREE, Action, Subscription
from agenciaos_jobs.payments.policy.entitlement import Terms
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import Account, decide_event, reevaluate

TERMS = Terms({PRODUCT: "PRO", "pro-yearly": "PRO", "starter": "FREE"}, timedelta(days=3))


def lived(events: list[PaymentEvent], now: datetime = LATER, plan: str = FREE) -> tuple[Account, list[Action]]:
    """An agency's account after these events, each decided upon when it came."""
    account, actions = Account(plan, None, {}), []
    for one in events:
        decision = decide_event(account, one, one.purchase_id, now, TERMS)
        actions.append(decision.action)
        purchases = {**account.purchases, one.purchase_id: account.merge(one, one.purchase_id)}
        subscription = decision.subscription or account.subscription
        account = Account(decision.plan_after or account.plan, subscription, purchases)
    return account, actions


@pytest.mark.parametrize(("events", "plan", "code"), HISTORIES.values(), ids=HISTORIES.keys())
def test_a_history_ends_in_the_same_plan_in_every_order(events: list[PaymentEvent], plan: str, code: str):
    ends = set()
    for order in permutations(events):
        account, _ = lived([*order, *order])
        assert account.subscription
        ends.add(
            (account.plan, account.subscription.code, account.subscription.period_end, tuple(account.purchases.items()))
        )
    assert len(ends) == 1
    assert next(iter(ends))[:2] == (plan, code)


ALL = [one for events, _, _ in HISTORIES.values() for one in events]


@settings(max_examples=300)
@given(st.data())
def test_any_events_any_number_of_times_end_in_the_same_state(data: st.DataObject):
    some = data.draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=8))
    shuffled = data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some), max_size=6))))
    one, other = lived(some)[0], lived(shuffled)[0]
    assert (one.plan, one.purchases) == (other.plan, other.purchases)


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=8), st.sampled_from([FREE, "PRO"]))
def test_a_plan_changes_only_together_with_its_subscription(events: list[PaymentEvent], plan: str):
    account = Account(plan, None, {})
    for one in events:
        decision = decide_event(account, one, one.purchase_id, LATER, TERMS)
        assert decision.reason
        assert decision.plan_before == account.plan
        assert (decision.plan_before == decision.plan_after) or decision.subscription
        assert (decision.action in {Action.ACTIVATED, Action.DEACTIVATED}) == (
            decision.plan_before != decision.plan_after
        )
        purchases = {**account.purchases, one.purchase_id: account.merge(one, one.purchase_id)}
        account = Account(decision.plan_after or "", decision.subscription or account.subscription, purchases)


def test_a_payment_s_two_webhooks_make_one_change():
    pair = [tx("approved", D1), sub("active", "2026-11-20T13:00:12Z")]
    assert lived(pair)[1] == [Action.ACTIVATED, Action.UNCHANGED]
    assert lived(pair[::-1])[1] == [Action.ACTIVATED, Action.UNCHANGED]
    assert lived([*pair, *pair])[1][2:] == [Action.OUTDATED] * 2


def test_a_renewal_extends_the_period():
    first, second = tx("approved", D1), tx("approved", D2, cycle=2)
    account, actions = lived([first, second])
    assert actions == [Action.ACTIVATED, Action.RENEWED]
    assert account.subscription
    assert account.subscription.period_end == datetime(2027, 1, 21, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("history", "until"),
    [
        ("a scheduled end", datetime(2026, 12, 21, 3, tzinfo=UTC)),
        ("no payment", datetime(2026, 12, 23, 9, tzinfo=UTC)),
        ("a trial that nothing came of", datetime(2026, 11, 24, 3, tzinfo=UTC)),
    ],
)
def test_time_takes_a_plan_back_at_its_moment(history: str, until: datetime):
    just_before = until - timedelta(milliseconds=1)
    account, _ = lived(HISTORIES[history][0], now=just_before)
    assert account.plan == "PRO"
    assert account.subscription
    assert account.subscription.due_at == until
    assert getattr(reevaluate(account, just_before, TERMS), "plan_after", None) == "PRO"
    ended = reevaluate(account, until, TERMS)
    assert ended
    assert ended.subscription
    assert (ended.action, ended.plan_after, ended.subscription.due_at) == (Action.DEACTIVATED, FREE, None)


def test_a_refund_of_a_cycle_paid_ahead_leaves_the_one_before():
    ahead = "2026-12-10T09:00:00Z"
    events = [
        tx("approved", D1),
        tx("approved", ahead, cycle=2),
        tx("refunded", "2026-12-12T09:00:00Z", cycle=2, paid_at=ahead),
    ]
    account, _ = lived(events, now=datetime(2026, 12, 13, tzinfo=UTC))
    assert account.subscription
    assert (account.plan, account.subscription.code) == ("PRO", "earlier_payment")
    assert account.subscription.due_at == datetime(2026, 12, 21, 3, tzinfo=UTC)
    assert lived(events)[0].plan == FREE


def test_an_old_subscription_s_end_leaves_a_new_one_s_plan():
    renamed = {"subscription__subscription_code": "sub_new", "subscription__id": "sub_new"}
    new = tx("approved", "2026-11-30T10:00:00Z", sale="new", **renamed)
    old = [tx("approved", D1), sub("active", D1), sub("canceled", "2026-12-01T14:00:00Z")]
    for order in permutations([*old, new]):
        assert lived(list(order))[0].plan == "PRO"


@pytest.mark.parametrize("status", ["abandoned", "started", "rejected", "waiting_payment", "analysis"])
def test_what_was_never_bought_takes_back_no_plan_that_somebody_gave(status: str):
    account, actions = lived([tx(status, D1)], plan="PRO")
    assert (account.plan, account.subscription, actions) == ("PRO", None, [Action.UNCHANGED])


def test_a_plan_from_before_ends_with_a_cancellation():
    assert lived([sub("canceled", D2)], plan="PRO")[0].plan == FREE


def test_the_application_s_own_newer_word_counts():
    own = Subscription("PRO", "paid", PRODUCT, None, LATER)
    decision = decide_event(Account("PRO", own, {}), sub("canceled", D2), "c", LATER, TERMS)
    assert (decision.action, decision.plan_after) == (Action.OUTDATED, "PRO")
    older = Subscription("PRO", "paid", PRODUCT, None, datetime(2026, 11, 1, tzinfo=UTC))
    assert decide_event(Account("PRO", older, {}), sub("canceled", D2), "c", LATER, TERMS).plan_after == FREE
