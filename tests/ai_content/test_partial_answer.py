"""The Markdown of an unfinished answer is a beginning of that of the whole one, wherever the model has got to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.agents.agent import Agent
from agenciaos_jobs.ai_content.partial_answer import markdown_so_far
from agenciaos_jobs.dev.model import in_order_of

TEXTS = st.text(st.sampled_from('ab é\n#*-"\\/👋1.|'), max_size=12).filter(lambda text: "\\u" not in text)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a model may write for a schema, its limits aside."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        return st.fixed_dictionaries({name: values(own) for name, own in schema["properties"].items()})
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=3)
    return st.integers(0, 1200) if schema["type"] == "integer" else TEXTS


def written(agent: Agent, answer: Any, *, escaped: bool = False) -> str:
    return json.dumps(in_order_of({"text": {"format": {"schema": agent.output}}}, answer), ensure_ascii=escaped)


@pytest.mark.parametrize("name", AGENTS)
def test_the_example_of_every_agent_grows_from_its_beginning_to_its_end(name: str):
    agent = AGENTS[name].in_reading_order
    text, whole = written(agent, agent.example), agent.markdown(agent.example)
    shown = ""
    for length in range(0, len(text) + 1, 3):
        later = markdown_so_far(agent, text[:length])
        assert later.startswith(shown)
        assert whole.startswith(later)
        shown = later
    assert len(shown) > 0.9 * len(whole) or name == "TASK_BREAKDOWN"  # which begins with a sum


@given(st.data())
def test_any_answer_cut_off_anywhere_gives_a_beginning_of_its_markdown(data: st.DataObject):
    agent = AGENTS[data.draw(st.sampled_from(sorted(AGENTS)))]
    agent = agent.in_reading_order if data.draw(st.booleans()) else agent
    answer = data.draw(values(agent.output))
    text = written(agent, answer, escaped=data.draw(st.booleans()))
    cut = data.draw(st.integers(0, len(text)))
    assert agent.markdown(answer).startswith(markdown_so_far(agent, text[:cut]))


@given(
    st.text(),
    st.sampled_from(['{"headlines": [', '{"headlines": 3', "[", "```json\n{", '{"headlines": ["\\ud83d"', ""]),
)
def test_whatever_a_model_writes_it_never_raises(text: str, before: str):
    markdown_so_far(AGENTS["META_ADS_COPY"], before + text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ('{"headlines": [', "## Títulos"),
        ('{"headlines": ["', "## Títulos"),
        ('{"headlines": ["Bateria', "## Títulos\n1. Bateria"),
        ('{"headlines": ["Bateria", "So', "## Títulos\n1. Bateria\n2. So"),
        ('```json\n{"headlines": ["Bateria', "## Títulos\n1. Bateria"),
        ('{"headlines": ["Bateria"], "primaryTexts', "## Títulos\n1. Bateria"),
        ('{"headlines": ["Bateria"], "primaryTexts": [', "## Títulos\n1. Bateria\n\n## Textos principais"),
        ('{"primaryTexts": ["Bateria"]', "## Títulos"),
        ('{"', ""),
        ("Não posso.", ""),
    ],
)
def test_what_is_shown_of_an_unfinished_answer(text: str, expected: str):
    assert markdown_so_far(AGENTS["META_ADS_COPY"], text) == expected


@pytest.mark.parametrize(
    ("rest", "last_line"),
    [
        ('"projectType": "Si', "- **Tipo:** Si"),
        ('"projectType": "Site", "priority": "al', "- **Prioridade:**"),
        ('"projectType": "Site", "priority": "alta", "estimatedHours": 1', "- **Estimativa:**"),
        (
            '"projectType": "Site", "priority": "alta", "estimatedHours": 12, "suggestions": [',
            "- **Estimativa:** 12 horas",
        ),
    ],
)
def test_neither_a_choice_nor_a_number_is_shown_before_it_is_whole(rest: str, last_line: str):
    shown = markdown_so_far(AGENTS["PROJECT_ANALYSIS"], f'{{"title": "A", {rest}')
    assert shown.splitlines()[-1] == last_line
