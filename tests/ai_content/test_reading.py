"""Paid answers are read as far as they can be used, and asked for again only where they can't."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.answer_text import objects_in
from agenciaos_jobs.ai_content.prompt import prompt
from agenciaos_jobs.ai_content.reading import corrected, correction, read

AGENT = AGENTS["META_ADS_COPY"]
COPY: dict[str, Any] = AGENT.example
TEXT = json.dumps(COPY, ensure_ascii=False)
QUESTION = prompt(AGENT, "Agência Aurora", [], [], {"produto": "Café"})


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        f"Claro! Aqui está:\n\n{TEXT}\n\nPosso ajudar com mais {{alguma coisa}}?",
        TEXT + TEXT,
        '{"plano": "pensar antes"} ' + TEXT,
        json.dumps({**COPY, "headlines": []}) + TEXT,
        TEXT.replace('": ', '":\n\t'),
    ],
    ids=["fence", "prose", "twice", "another object", "a draft first", "whitespace"],
)
def test_the_one_good_object_in_a_text_is_found(text: str):
    reading = read(AGENT, text)
    assert (reading.content, reading.faults) == (COPY, ())


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (r"Caf\u0000e9 da manh\u0000E3", "Café da manhã"),
        (r"Caf\\u00e9 \\ud83d\\ude00", "Café 😀"),
        (r"um\u0000 dois\u0007\u001b", "um dois"),
        ("um\x0bdois\ttrês", "umdois\ttrês"),
        (r"linha\nlinha", "linha\nlinha"),
        (r"o c\u00f3digo \\u0041 fica", r"o código \u0041 fica"),
        (r"s\ud83d\u00f3", "só"),
    ],
)
def test_broken_characters_are_repaired_where_what_was_meant_is_certain(raw: str, meant: str):
    assert objects_in('{"texto": "%s"}' % raw) == [{"texto": meant}]  # noqa: UP031


def test_two_good_objects_that_differ_are_asked_about():
    other = json.dumps({**COPY, "callToAction": "Cadastre-se"})
    reading = read(AGENT, TEXT + other)
    assert reading.problems == ["resposta: traz vários objetos JSON diferentes, deve trazer um só"]
    again = correction(QUESTION, TEXT + other, reading)
    assert again.agent is AGENT


@pytest.mark.parametrize("bad", ["x" * 41, ""])
def test_a_bad_item_is_dropped_while_the_list_stays_long_enough(bad: str):
    reading = read(AGENT, json.dumps({**COPY, "headlines": [*COPY["headlines"], bad]}))
    assert (reading.content, reading.faults, reading.dropped) == (COPY, (), 1)


def test_a_list_that_is_too_long_is_cut_and_what_was_not_asked_for_is_left_out():
    many = [f"Título {number}" for number in range(7)]
    reading = read(AGENT, json.dumps({**COPY, "headlines": ["x" * 41, *many], "obs": "Espero ter ajudado"}))
    assert (reading.content["headlines"], reading.faults) == (many[:5], ())
    assert "obs" not in reading.content


def test_only_the_wrong_fields_are_asked_for_again():
    reading = read(AGENT, json.dumps({**COPY, "headlines": ["x" * 41, "y"], "callToAction": "Clique"}))
    assert reading.wrong_fields == {"headlines", "callToAction"}
    again = correction(QUESTION, "…", reading)
    assert list(again.agent.output["properties"]) == ["headlines", "callToAction"]
    assert again.agent.output["required"] == ["headlines", "callToAction"]
    assert "Devolva só estes campos, corrigidos: headlines, callToAction" in again.messages[-1].text
    fixed = {"headlines": COPY["headlines"], "callToAction": "Saiba mais"}
    assert corrected(AGENT, reading, json.dumps(fixed)).content == COPY


def test_a_field_that_is_missing_is_asked_for_alone():
    without = {name: value for name, value in COPY.items() if name != "descriptions"}
    reading = read(AGENT, json.dumps(without))
    assert (reading.problems, reading.wrong_fields) == (["descriptions: falta"], {"descriptions"})


def test_the_good_items_of_both_rounds_together_may_be_enough():
    first = read(AGENT, json.dumps({**COPY, "headlines": ["x" * 41, "Um", "Dois"]}))
    after = corrected(AGENT, first, json.dumps({"headlines": ["Três", "y" * 41, "Um"]}))
    assert (after.content["headlines"], after.faults) == (["Três", "Um", "Dois"], ())


def test_where_nothing_is_left_the_limits_are_named():
    first = read(AGENT, json.dumps({**COPY, "headlines": ["x" * 41] * 3}))
    after = corrected(AGENT, first, json.dumps({"headlines": ["y" * 42, "z" * 42, "w" * 42]}))
    assert after.problems[0] == "headlines[0]: tem 42 caracteres, o máximo é 40"
    assert corrected(AGENT, first, "desculpe").problems == first.problems


@given(st.text() | st.sampled_from(['{"headlines": [', '{"headlines": {"a": 1}}', "{" * 300, '{"headlines": [[1]]}']))
def test_any_text_is_read_or_has_problems(text: str):
    assert read(AGENT, text).problems


@given(st.dictionaries(st.sampled_from([*COPY, "mais"]), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_whatever_is_used_meets_the_schema(content: dict[str, Any]):
    reading = read(AGENT, json.dumps({**COPY, **content}))
    assert reading.faults or not AGENT.problems(reading.content)
