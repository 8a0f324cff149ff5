"""The schema of log lines that docs/logs.md gives is what the code writes: each event, its level and its fields."""

import re

import pytest
from support import log_schema
from support.log_schema import Event

LOGGED, DOCUMENTED = log_schema.logged(), log_schema.documented()


def test_the_document_tells_of_every_event_and_of_no_other():
    assert len(LOGGED) > 50
    assert LOGGED.keys() ^ DOCUMENTED.keys() == set()
    assert [name for name in LOGGED if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@pytest.mark.parametrize("name", sorted(LOGGED))
def test_an_event_has_the_level_and_the_fields_that_the_document_gives(name: str):
    real, told = LOGGED[name], DOCUMENTED.get(name, Event())
    assert real.levels == told.levels
    assert real.fields - told.fields - log_schema.common_fields() == set(), "not documented"
    assert told.fields - real.fields == set(), "documented, and never logged"
