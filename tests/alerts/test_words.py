"""When an alert is told, and in which words."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.alerts import AI_BUDGET_AGENCY, AI_BUDGET_TOTAL
from agenciaos_jobs.alerts.affected import Affected
from agenciaos_jobs.alerts.alert import Alert, Notification, Rule, next_notification
from agenciaos_jobs.alerts.kind import KINDS, AlertKind, condition_kinds
from agenciaos_jobs.alerts.kinds import ERROR_NEW, QUEUE_AGE, RUN_FAILED, WRONG_TOKEN
from agenciaos_jobs.alerts.rules import load_rules
from agenciaos_jobs.alerts.text import message, page_of
from agenciaos_jobs.payments.alerts import PAYMENT_SILENT, PAYMENT_UNMATCHED, PAYMENT_UNVERIFIED

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = Rule(threshold=3, window="10m", quiet="30m")  # type: ignore[arg-type]


def alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": "alert_1",
        "kind": WRONG_TOKEN,
        "key": "api",
        "subjects": (),
        "details": {},
        "since": NOON,
        "raised_at": NOON,
        "raised": 3,
        "pending": 3,
        "pending_since": NOON,
        "notified_at": None,
        "notifications": 0,
        "ended_at": None,
    }
    return Alert(**values | changes)


QUEUE = {"kind": QUEUE_AGE, "raised": 1}


@pytest.mark.parametrize(
    ("known", "after", "telling"),
    [
        ({}, 0, Notification.OPENED),
        ({"pending": 2}, 5, None),
        ({"pending": 2}, 11, Notification.DROPPED),
        ({"pending": 0, "pending_since": None}, 99, None),
        ({"notified_at": NOON, "pending": 37}, 29, None),
        ({"notified_at": NOON, "pending": 37}, 30, Notification.REPEATED),
        ({"notified_at": NOON + 9000 * MINUTE, "pending": 37}, 0, Notification.REPEATED),  # by a clock that was ahead
        ({"notified_at": NOON, "pending": 2}, 30, Notification.DROPPED),
        ({"notified_at": NOON, "pending_since": NOON + 40 * MINUTE}, 40, Notification.OPENED),
        (QUEUE | {"pending": 1}, 0, Notification.OPENED),
        (QUEUE | {"notified_at": NOON, "pending": 0, "pending_since": None}, 29, None),
        (QUEUE | {"notified_at": NOON, "pending": 0, "pending_since": None}, 30, Notification.ONGOING),
        (QUEUE | {"notified_at": NOON, "pending": 0, "ended_at": NOON + MINUTE}, 1, Notification.RESOLVED),
        (QUEUE | {"notified_at": NOON + MINUTE, "pending": 0, "ended_at": NOON + MINUTE}, 60, None),
        (QUEUE | {"notified_at": NOON - MINUTE, "pending": 3, "ended_at": NOON + MINUTE}, 5, None),
    ],
)
def test_what_is_told_follows_from_what_happened(known: dict[str, Any], after: int, telling: Notification | None):
    assert next_notification(alert(**known), RULE, NOON + after * MINUTE) is telling


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 5)), max_size=40), st.integers(1, 4))
def test_nothing_is_told_twice_within_the_quiet_time_and_every_raise_is_told_or_forgotten(steps, threshold):
    rule = Rule(threshold=threshold, window="10m", quiet="30m")  # type: ignore[arg-type]
    known, now, counted, raised = alert(raised=0, pending=0, pending_since=None), NOON, 0, 0
    tellings = []
    for minutes, count in [*steps, (600, 0), (600, 0)]:
        now += minutes * MINUTE
        raised += count
        if count:
            known = alert(
                **vars(known) | {"pending": known.pending + count, "pending_since": known.pending_since or now}
            )
        telling = next_notification(known, rule, now)
        if telling:
            counted += known.pending
            notified_at = known.notified_at if telling is Notification.DROPPED else now
            known = alert(**vars(known) | {"pending": 0, "pending_since": None, "notified_at": notified_at})
        if telling and telling is not Notification.DROPPED:
            tellings.append(now)
    assert all(later - earlier >= rule.quiet for earlier, later in pairwise(tellings))
    assert counted == raised


@pytest.mark.parametrize("kind", list(KINDS.values()))
@pytest.mark.parametrize("telling", [item for item in Notification if item is not Notification.DROPPED])
def test_every_kind_can_be_told_in_every_way_whatever_is_known(kind: AlertKind, telling: Notification):
    bare = message(alert(kind=kind, ended_at=NOON), telling, NOON + MINUTE, "https://jobs.example")
    assert all((bare.title, bare.what, bare.times, bare.english))
    assert bare.advice or telling is Notification.RESOLVED
    assert str(bare.link).startswith("https://jobs.example/")
    odd = message(alert(kind=kind, subjects=("{x}\r\nBcc: y",), details={"message": "{0}{"}), telling, NOON, None)
    assert odd.link is None
    assert "\n" not in odd.title + odd.english


def test_an_alert_says_what_how_often_since_when_and_where():
    details = {"code": "timeout", "message": "no answer", "task": "t", "fingerprint": "abc"}
    known = alert(kind=RUN_FAILED, key="t", pending=37, raised=38, details=details, subjects=("run_1",))
    text = message(known, Notification.REPEATED, NOON + 60 * MINUTE, "https://jobs.example")
    assert text.title == "Mais 37×: t: execução falhou definitivamente"
    assert text.times == "mais 37 desde o último aviso; 38 ao todo desde 24/11/2026 09:00"
    assert (text.what, text.link) == ("O último: timeout: no answer", "https://jobs.example/runs/run_1")
    assert text.listed == ("run_1",)
    several = alert(**vars(known) | {"subjects": ("run_1", "run_2")})
    assert page_of(several) == "/runs?task=t&status=failures"


def test_one_is_named_and_several_are_counted_once_each():
    details = {"agency": "Agência Aurora", "used": 8, "limit": 10, "plan": "FREE"}
    again = alert(kind=AI_BUDGET_AGENCY, key="80", pending=5, raised=5, details=details, subjects=("agency-123",))
    assert message(again, Notification.OPENED, NOON, None).title == "Agência Aurora: 80 % das gerações de IA do mês"
    assert page_of(again) == "/agencies/agency-123"
    both = alert(**vars(again) | {"subjects": ("agency-9", "agency-123")})
    assert message(both, Notification.OPENED, NOON, None).title.startswith("Agência Aurora e mais 1: 80 %")
    error = {"code": "timeout", "message": "no answer", "fingerprint": "abc"}
    novel = alert(kind=ERROR_NEW, key="t", raised=5, details=error, subjects=tuple("abcde"))
    assert message(novel, Notification.OPENED, NOON, None).title == "t: erro inédito, timeout e mais 4"
    assert (page_of(novel), page_of(alert(**vars(novel) | {"subjects": ("a",)}))) == ("/errors?task=t", "/errors/abc")


def test_who_is_hit_is_named_and_different_errors_are_told_apart():
    details = {"code": "timeout", "message": "no answer " * 99}
    runs = alert(kind=RUN_FAILED, key="t", raised=9, details=details, subjects=tuple(f"run_{n}" for n in range(7)))
    names = tuple(f"Agência {n}" for n in range(7))
    about = Affected(dict(zip(runs.subjects, names, strict=True)), names, ("timeout", "not_json"))
    text = message(runs, Notification.OPENED, NOON, None, about)
    assert text.what.startswith("O último: timeout: no answer")
    assert text.what.endswith(
        "… Erros diferentes: 2 (timeout, not_json). "
        "Agências: Agência 0, Agência 1, Agência 2, Agência 3, Agência 4 e mais 2."
    )
    assert len(text.what) <= 600
    one = Affected({"agency-7": "Café Sol"}, ("Café Sol",))
    silent = alert(kind=PAYMENT_SILENT, key="p", subjects=("agency-7",))
    assert message(silent, Notification.OPENED, NOON, None, one).title == "Assinatura sem notícia: Café Sol"
    crowd = alert(kind=ERROR_NEW, key="t", raised=40, details={"code": "c"}, subjects=tuple("abcdefghij"))
    assert message(crowd, Notification.OPENED, NOON, None).title == "t: erro inédito, c e pelo menos mais 9"


@pytest.mark.parametrize(
    ("kind", "details", "told"),
    [
        (WRONG_TOKEN, {}, "Pedidos com chave inválida: 3; os últimos, de 10.0.0.1."),
        (PAYMENT_UNMATCHED, {"code": "unknown_agency", "reason": "x"}, "A agência informada não existe (x)"),
        (PAYMENT_UNVERIFIED, {"code": "guru_http_500", "reason": "y"}, "O provedor não pôde ser consultado (y)"),
        (PAYMENT_UNMATCHED, {"code": "new", "reason": "z"}, "z"),
        (
            AI_BUDGET_TOTAL,
            {"spent": "8.00", "budget": "10.00", "month": "2026-11"},
            "US$ 8,00 de US$ 10,00 em 11/2026. O serviço continua: o orçamento avisa, não corta.",
        ),
    ],
)
def test_what_happened_is_told_in_portuguese(kind: AlertKind, details: dict[str, str], told: str):
    text = message(alert(kind=kind, subjects=("10.0.0.1",), details=details), Notification.OPENED, NOON, None)
    assert (text.what, "{" in text.title) == (told, False)
    if kind is WRONG_TOKEN:
        assert text.title == "Chaves inválidas: API (TRIGGER_SECRET_KEY)"


def test_a_condition_that_came_and_went_within_the_quiet_time_is_told_as_what_was():
    known = alert(kind=QUEUE_AGE, key="t", raised=2, pending=1, notified_at=NOON - 31 * MINUTE, ended_at=NOON + MINUTE)
    assert next_notification(known, RULE, NOON + 30 * MINUTE) is Notification.OPENED
    text = message(known, Notification.OPENED, NOON + 30 * MINUTE, None)
    assert text.times == "de 24/11/2026 09:00 a 24/11/2026 09:01"


def test_every_alert_has_its_entry_in_the_runbook():
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    assert [kind for kind in KINDS if f"### {kind} · " not in text] == []


def test_conditions_have_recovery_and_the_rest_of_the_rules_are_sane():
    rules = load_rules()
    assert all(rules[kind].recovery for kind in condition_kinds())
    assert all(rule.quiet >= MINUTE for rule in rules.values())
