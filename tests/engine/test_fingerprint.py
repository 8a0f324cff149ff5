"""Which failures are the same fault: by their code, by where the job raised them, or by their words."""

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.failures import values

from agenciaos_jobs.engine.model.fingerprint import error_group_of, normalize_message, origin_of
from agenciaos_jobs.engine.model.run import RunError

words = st.lists(st.text("abcdefgh áçõ", min_size=1), min_size=1, max_size=5).map(" ".join)
quoted = st.text().map(lambda text: repr(text.replace("'", "")))


@given(words, st.lists(values, min_size=2, max_size=2), st.lists(quoted, min_size=2, max_size=2), words)
def test_the_same_words_around_other_values_are_the_same_fault(first, numbers, quotes, last):
    one, other = (f"{first}: {number} ({quote}) {last}" for number, quote in zip(numbers, quotes, strict=True))
    assert normalize_message(one) == normalize_message(other)


@given(words, words, values)
def test_other_words_are_another_fault(one, other, value):
    folded = [normalize_message(f"{text} {value}") for text in (one, other)]
    assert (folded[0] == folded[1]) == (one.split() == other.split())


@given(st.text())
def test_any_message_can_be_folded_and_none_is_long(message):
    assert len(normalize_message(message * 50)) <= 300


@pytest.mark.parametrize(
    ("message", "folded"),
    [
        ("there is no agency 'agency-123'", "there is no agency <text>"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", "[Errno <n>] Connect call failed (<text>, <n>)"),
        ("GET https://api.example.com/v1/x?id=7 answered 503", "GET <url> answered <n>"),
        ("no user joao.silva@agencia.com.br here", "no user <email> here"),
        ("<Client object at 0x7f3a2c> can't be used, don't", "<Client object at <n>> can't be used, don't"),
        ("report.py:12: due 2026-11-24T10:00:00.123+00:00", "report.py:<n>: due <n>"),
        ("two\n  lines\tand 1,234.50 reais", "two lines and <n> reais"),
        ("key \"a 'b' c\" of “d” and `e`", "key <text> of <text> and <text>"),
    ],
)
def test_values_are_folded_and_words_are_not(message: str, folded: str):
    assert normalize_message(message) == folded


def test_a_code_names_the_fault_whatever_the_message_says():
    one = error_group_of("probe", RunError("GiveUp", "headline is too long", code="too_long"))
    other = error_group_of("probe", RunError("GiveUp", "text is too long", code="too_long"))
    assert (
        one.fingerprint
        == other.fingerprint
        != error_group_of("other", RunError("GiveUp", "", code="too_long")).fingerprint
    )
    assert (
        error_group_of("probe", RunError("A", "x")).fingerprint
        != error_group_of("probe", RunError("B", "x")).fingerprint
    )


NAMES = st.text(st.characters(categories=["L", "Zs"]), min_size=1, max_size=20)


def raised(raise_it: Any, *values: Any) -> RunError:
    try:
        raise_it(*values)
    except Exception as error:  # noqa: BLE001 - whatever it raises
        return RunError(type(error).__name__, str(error), stack="".join(traceback.format_exception(error)))
    raise AssertionError


def user_missing(name: str) -> None:
    raise LookupError(f"user {name} not found")


def several_checks(name: str) -> None:
    if name == "a":
        raise LookupError("the first is wrong")
    raise LookupError("the second is wrong")


def inside_a_library(name: str) -> None:
    json.loads(name)


def with_a_cause(name: str) -> None:
    try:
        user_missing(name)
    except LookupError as error:
        raise ValueError(f"no {name}") from error


@given(NAMES, NAMES)
@pytest.mark.parametrize("raise_it", [user_missing, with_a_cause])
def test_words_that_vary_are_the_same_fault_where_the_job_raised_it(raise_it: Any, one: str, other: str):
    errors = [raised(raise_it, name) for name in (one, other)]
    assert len({error_group_of("probe", error).fingerprint for error in errors}) == 1
    assert {error_group_of("probe", error).message for error in errors} == {" ".join(e.message.split()) for e in errors}


def test_each_place_that_raises_is_a_fault_of_its_own():
    errors = [
        raised(user_missing, "a"),
        raised(several_checks, "a"),
        raised(several_checks, "b"),
        raised(inside_a_library, "x"),
        raised(with_a_cause, "a"),
    ]
    assert len({error_group_of("probe", error).fingerprint for error in errors}) == len(errors)
    assert [origin_of(error.stack or "") for error in errors] == [
        ("engine/test_fingerprint.py", "user_missing", 'raise LookupError(f"user {name} not found")'),
        ("engine/test_fingerprint.py", "several_checks", 'raise LookupError("the first is wrong")'),
        ("engine/test_fingerprint.py", "several_checks", 'raise LookupError("the second is wrong")'),
        ("engine/test_fingerprint.py", "inside_a_library", "json.loads(name)"),
        ("engine/test_fingerprint.py", "with_a_cause", 'raise ValueError(f"no {name}") from error'),
    ]


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/app/releases/12/jobs/greet.py", "jobs/greet.py"),
        ("C:\\jobs\\greet.py", "jobs/greet.py"),
        ("greet.py", "greet.py"),
        ("/venv/lib/python3.12/site-packages/agenciaos_jobs/payments/jobs/plan.py", "jobs/plan.py"),
        ("/venv/lib/python3.12/site-packages/agenciaos_jobs/engine/worker/runner.py", None),
        ("/venv/lib/python3.12/site-packages/asyncpg/pool.py", None),
        ("/srv/agenciaos_jobs/venv/lib/python3.12/site-packages/asyncpg/pool.py", None),
        ("/srv/agenciaos_jobs/engines/start.py", "engines/start.py"),
        ("/usr/lib/python3.12/json/decoder.py", None),
        ("<frozen importlib._bootstrap>", None),
    ],
)
def test_the_job_s_frame_is_found_wherever_it_is_installed(path: str, origin: str | None):
    stack = f'Traceback (most recent call last):\n  File "{path}", line 3, in run\n    do()\n    ~~^^\nValueError: x\n'
    assert origin_of(stack) == (origin and (origin, "run", "do()"))
    moved = error_group_of("probe", RunError("ValueError", "y", stack=stack.replace("line 3", "line 4")))
    assert (moved == error_group_of("probe", RunError("ValueError", "y", stack=stack))) is True


@given(st.text())
def test_any_traceback_has_an_origin_or_none(stack: str):
    origin_of(stack)


def test_a_group_of_exceptions_is_known_by_the_frame_that_raised_it():
    group, member = (
        f'Traceback (most recent call last):\n  File "/app/jobs/{name}.py", line 1, in run\n    fail()\nValueError: x\n'
        for name in ("a", "b")
    )
    stack = f"{group}\nThe following exception is part of the above group:\n\n{member}"
    assert origin_of(stack) == ("jobs/a.py", "run", "fail()")
