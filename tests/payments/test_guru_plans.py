"""What histories of events mean for a plan, in whatever order they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.guru import PRODUCT
from support.histories import D1, D2, FREE, HISTORIES, LATER, sub, tx
from support.lives import TERMS, lived, word

from agenciaos_jobs.payments.policy.decision import Action, decide, reevaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent


@pytest.mark.parametrize(("events", "plan", "code"), HISTORIES.values(), ids=HISTORIES.keys())
def test_a_history_ends_in_the_same_plan_in_every_order(events: list[PaymentEvent], plan: str, code: str):
    ends = set()
    for order in permutations(events):
        account, _ = lived([*order, *order])
        assert account.subscription
        ends.add(
            (
                account.plan,
                account.subscription.code,
                account.subscription.period_end,
                tuple(sorted(account.purchases.items())),
            )
        )
    assert len(ends) == 1
    assert next(iter(ends))[:2] == (plan, code)


WORDS = [
    word(name, at)
    for name in (
        "payment.approved",
        "payment.refunded",
        "subscription.canceled",
        "past_due",
        "chargeback",
        "pending",
        "?",
    )
    for at in ("2026-11-19T10:00:00Z", D1, "2026-12-01T14:00:00Z", D2)
]
ANONYMOUS = [word("payment.approved", received=f"2026-12-0{day}T15:00:00Z") for day in (1, 2, 4)]
GURU = [one for events, _, _ in HISTORIES.values() for one in events]
ALL = [*GURU, *WORDS, *ANONYMOUS]


@settings(max_examples=300)
@given(st.data())
def test_any_events_any_number_of_times_end_in_the_same_state(data: st.DataObject):
    some = data.draw(st.lists(st.sampled_from(ALL), min_size=1, max_size=8))
    shuffled = data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some), max_size=6))))
    one, other = lived(some)[0], lived(shuffled)[0]
    assert (one.plan, one.purchases) == (other.plan, other.purchases)


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=8), st.sampled_from([FREE, "PRO"]))
def test_a_plan_changes_only_together_with_its_subscription(events: list[PaymentEvent], plan: str):
    before = plan
    for count in range(1, len(events) + 1):
        account, actions = lived(events[:count], plan=plan)
        assert (actions[-1] in {Action.ACTIVATED, Action.DEACTIVATED}) == (account.plan != before)
        if account.plan != before:
            assert account.subscription
            assert account.subscription.plan == account.plan
        before = account.plan


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
    still = reevaluate(account, just_before, TERMS)
    assert still
    assert still[0].plan_after == "PRO"
    ended, _ = reevaluate(account, until, TERMS) or (None, None)
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


def test_of_the_application_s_word_and_a_provider_s_the_newer_counts():
    canceled = sub("canceled", D2)
    for report, plan in ((word("approved", "2027-01-01T00:00:00Z"), "PRO"), (word("approved", D1), FREE)):
        for order in permutations([canceled, report]):
            assert lived(list(order))[0].plan == plan
    assert lived([word("approved", "2027-01-01T00:00:00Z"), canceled])[1] == [Action.ACTIVATED, Action.OUTDATED]


def test_a_checkout_that_was_only_begun_ends_no_plan_of_the_application_s():
    begun = [tx("waiting_payment", D2), sub("started", D2, charged_times=0)]
    for order in permutations([*begun, word("approved", D1)]):
        assert lived(list(order))[0].plan == "PRO"


def test_a_product_that_is_no_longer_listed_counts_until_its_subscription_ends():
    account, _ = lived([sub("active", D1)])
    unlisted = replace(TERMS, products={"other": "PRO"})
    kept, _ = reevaluate(account, LATER, unlisted) or (None, None)
    assert kept
    assert kept.plan_after == "PRO"
    assert account.subscription
    assert account.subscription.product_id == PRODUCT
    ended = decide(account, sub("expired", D2), account.subscription.product_id, "guru", LATER, unlisted)
    assert ended.plan_after == "PRO", "another purchase"
    ended = decide(account, sub("expired", D2), next(iter(account.purchases)), "guru", LATER, unlisted)
    assert ended.plan_after == FREE
