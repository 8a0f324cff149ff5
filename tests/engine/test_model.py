"""Rules without I/O."""

import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.pacing.headroom import wait_before_retry
from agenciaos_jobs.engine.store.runs import payload_hash
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.foundation.duration import parse_delay, parse_duration
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.language import _PORTUGUESE, preferred
from agenciaos_jobs.foundation.redact import MASK, Redactor
from agenciaos_jobs.http.body import parse_json

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(5000, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS, st.integers(0, 2**80 - 1), st.integers(0, 2**80 - 1))
def test_ids_sort_by_time(first: datetime, second: datetime, one: int, other: int):
    if first.timestamp() * 1000 + 1 < second.timestamp() * 1000:
        assert make_id("run", first, one) < make_id("run", second, other)


def test_ids_have_one_form_and_differ():
    ids = {SystemClock().new_id("run") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(item) == 30 and item.startswith("run_") for item in ids)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h", 3600), ("1d2h30m", 95400), ("2w", 1209600), ("1hr", 3600), ("0s", 0)]
)
def test_durations(text: str, seconds: int):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "-1h", "1.5h", "1h!", "6000d", "999999999w", "1y"])
def test_what_is_no_duration(text: str):
    with pytest.raises(ValueError, match="expected"):
        parse_duration(text)


@given(st.text(max_size=40))
def test_a_delay_is_read_or_refused_and_never_negative(text: str):
    try:
        delay = parse_delay(text, NOW)
    except ValueError:
        return
    assert timedelta() <= delay <= timedelta(days=5 * 365)


def test_a_delay_may_be_a_moment():
    assert parse_delay("2026-11-23T12:30:00Z", NOW) == timedelta(minutes=30)
    assert parse_delay("2026-11-23T12:30:00", NOW) == timedelta(minutes=30)
    assert parse_delay("2026-11-23T09:30:00-03:00", NOW) == timedelta(minutes=30)
    assert parse_delay("2020-01-01", NOW) == timedelta()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "pt"),
        ("en", "en"),
        ("pt-BR, en", "pt"),
        ("en;q=0.8, pt;q=0.9", "pt"),
        ("EN-gb", "en"),
        ("de, en;q=x", "pt"),
        ("*", "pt"),
    ],
)
def test_the_preferred_language(header: str, language: str):
    assert preferred(header) == language


def test_portuguese_messages_name_only_what_pydantic_gives():
    for template in _PORTUGUESE.values():
        assert template.format_map(dict.fromkeys(_fields(template), 1))


def _fields(template: str) -> list[str]:
    from string import Formatter

    return [name for _, name, _, _ in Formatter().parse(template) if name]


@given(st.text())
def test_a_body_with_nul_is_refused_and_no_other(text: str):
    body = json.dumps({"a": text}).encode()
    try:
        expected = orjson.loads(body)
    except orjson.JSONDecodeError:
        return  # a lone surrogate
    if "\0" in text:
        with pytest.raises(InvalidFieldsError):
            parse_json(body)
    else:
        assert parse_json(body) == expected


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "\\"])
def test_a_backslash_before_u0000_is_no_nul(text: str):
    assert parse_json(json.dumps({"a": text}).encode()) == {"a": text}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), JSON))
def test_equal_payloads_have_equal_hashes(payload: dict):
    assert payload_hash(payload) == payload_hash(dict(reversed(payload.items())))


@given(st.text(min_size=4), st.text(), st.text())
def test_a_known_secret_is_masked_wherever_it_stands(secret: str, before: str, after: str):
    assert secret not in Redactor([secret]).text(before + secret + after).replace(MASK, "")


def test_values_under_secret_names_are_masked():
    told = Redactor().value(
        {"api_token": "x", "Authorization": ["y"], "apiKey": 1, "input_tokens": 3, "a": [{"senha": "z"}]}
    )
    assert told == {"api_token": MASK, "Authorization": MASK, "apiKey": MASK, "input_tokens": 3, "a": [{"senha": MASK}]}


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("0.5", 0.5),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("999999", 3600),
    ],
)
def test_the_wait_a_server_asks_for(told: str, seconds: float):
    assert retry_after(told, NOW) == timedelta(seconds=seconds)


@given(st.text(max_size=40) | st.none())
@example("soon")
@example("")
@example("²")
@example("9" * 400)
@example("Wed, 21 Oct 2015 07:28:00 -0000")
def test_no_header_asks_for_more_than_is_allowed_or_breaks_anything(told: str | None):
    wait = retry_after(told, NOW, max_wait=timedelta(minutes=10))
    assert wait is None or timedelta() <= wait <= timedelta(minutes=10)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "9", "x-ratelimit-reset-requests": "1s"}, 9),
        ({"x-ratelimit-reset-requests": "12ms", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1.5s",
                "x-ratelimit-reset-tokens": "1h",
            },
            1.5,
        ),
        ({"x-ratelimit-reset-tokens": "soon"}, None),
        ({}, None),
    ],
)
def test_openai_asks_for_a_wait_in_several_ways(headers: dict, seconds: float | None):
    wait = wait_before_retry(headers, "Rate limit reached", None, SystemClock().now())
    assert wait == (seconds and timedelta(seconds=seconds))


def test_the_wait_may_stand_in_the_error_alone_and_the_reached_limit_s_reset_counts():
    now = SystemClock().now()
    assert wait_before_retry({}, "Please try again in 1m2.5s. Visit", None, now) == timedelta(seconds=62.5)
    resets = {"x-ratelimit-reset-requests": "9s", "x-ratelimit-reset-tokens": "2s"}
    assert wait_before_retry(resets, "", "tokens", now) == timedelta(seconds=2)
