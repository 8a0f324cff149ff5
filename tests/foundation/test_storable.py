"""What a job's code produces is stored, whatever it is."""

import json
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.foundation.storable import MAX_DEPTH, encode, storable, text_of, without_middle

_TEXT = st.text(st.characters(exclude_categories=()))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")


class Number(IntEnum):
    BIG = 2**40


def nested(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    return value


@given(_JSON)
def test_any_value_becomes_json_that_postgres_stores(value: Any) -> None:
    text = encode(value)
    json.loads(text)
    assert "\0" not in json.dumps(json.loads(text), ensure_ascii=False)
    text.encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_storable_already_is_not_changed(value: Any) -> None:
    assert "\0" in repr(value) or "\\x00" in repr(value) or orjson.loads(encode(value)) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (Number.BIG, 2**40),
        ({2**70: 1}, {"1180591620717411303424": 1}),
        ("\ud800a\0b", "?ab"),
        ({"\0key": "\udfff"}, {"key": "?"}),
        ([Unprintable()], ["<Unprintable: str() raised ValueError>"]),
        ([datetime(2026, 1, 2, tzinfo=UTC), 2**70], ["2026-01-02T00:00:00+00:00", "1180591620717411303424"]),
        ("\\u0000", "\\u0000"),
    ],
)
def test_what_postgres_cannot_store_becomes_text(value: Any, stored: Any) -> None:
    assert orjson.loads(encode(value)) == stored


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH])
def test_nesting_up_to_the_limit_is_kept(depth: int) -> None:
    assert orjson.loads(encode(nested(depth))) == nested(depth)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 250, 1_000, 100_000])
def test_deeper_nesting_is_cut_off(depth: int) -> None:
    assert encode(nested(depth)).count("[") == MAX_DEPTH


def test_a_value_that_contains_itself_is_cut_off() -> None:
    value: dict[str, Any] = {"name": "loop"}
    value |= {"self": value, "twice": [value, value]}
    assert orjson.loads(encode(value)) == {"name": "loop", "self": "…", "twice": ["…", "…"]}


@given(_TEXT, st.integers(10, 200))
def test_a_text_is_cut_to_its_limit_in_bytes(text: str, limit: int) -> None:
    cut = storable(text, limit)
    assert len(cut.encode()) <= limit
    assert cut == storable(text) or cut.endswith("…")


@given(_TEXT, st.integers(60, 200))
def test_a_long_text_loses_its_middle(text: str, limit: int) -> None:
    long = "first " + text * 20 + " last"
    cut = without_middle(long, limit)
    assert len(cut.encode()) <= limit
    assert cut.startswith("first ")
    assert cut.endswith(" last")


def test_an_object_without_text_has_a_description() -> None:
    assert text_of(Unprintable()) == "<Unprintable: str() raised ValueError>"
    assert text_of(10**5000).startswith("<int: str() raised ValueError")
