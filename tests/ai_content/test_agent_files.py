"""The agents' files: each is whole, and its limits are told to the model and checked."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agenciaos_jobs.ai_content.agents import AGENTS, Agent, catalogue
from agenciaos_jobs.ai_content.agents.inputs import problem
from agenciaos_jobs.ai_content.agents.language import other_language
from agenciaos_jobs.ai_content.agents.limits import OURS, described

FILES = sorted(Path(catalogue.__file__).parent.rglob("*.toml"))
AGENT = pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
ENGLISH = "The best phone for you is the one that is with you when you can not find an outlet."
WIRE = {"type", "description", "enum", "pattern", "minItems", "maxItems", "minimum", "maximum", "items", "properties"}


def nodes(schema: dict, value: Any, path: tuple = ()) -> Iterator[tuple[tuple, dict, Any]]:
    """Each field of a schema with its place and value in an answer; of a list, its first item."""
    yield path, schema, value
    for name, own in schema.get("properties", {}).items():
        yield from nodes(own, value[name], (*path, name))
    if "items" in schema and value:
        yield from nodes(schema["items"], value[0], (*path, 0))


def filled(schema: dict, value: Any) -> Any:
    """The answer with an item in each list, so that the limits of items can be broken."""
    if isinstance(value, dict):
        return {name: filled(schema["properties"][name], own) for name, own in value.items()}
    if isinstance(value, list):
        return [filled(schema["items"], own) for own in value] or [sample(schema["items"])]
    return value


def sample(schema: dict) -> Any:
    if "properties" in schema:
        return {name: sample(own) for name, own in schema["properties"].items()}
    return next(text for text in ("olá", "00:00") if re.search(schema.get("pattern", ""), text))


def replaced(answer: Any, path: tuple, value: Any) -> Any:
    changed = copy.deepcopy(answer)
    if not path:
        return value
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return changed


def where(path: tuple) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


BREAK: dict[str, Any] = {
    "maxLength": lambda limit, value: (value + "ã" * limit + "ã")[: limit + 1],
    "minLength": lambda limit, value: value[: limit - 1],
    "maxBytes": lambda limit, _: "ã" * (limit // 2 + 1),
    "maxFirstLine": lambda limit, value: "ã" * (limit + 1) + "\n" + value,
    "maxTotalLength": lambda limit, value: [*value[:-1], "a b" * limit],
    "minItems": lambda limit, value: value[: limit - 1],
    "maxItems": lambda limit, value: (value or [""]) * (limit + 1),
    "minimum": lambda limit, _: limit - 1,
    "maximum": lambda limit, _: limit + 1,
    "pattern": lambda _, __: "<,| é",
    "enum": lambda _, __: "nenhum destes",
    "notBlank": lambda _, __: " \n ",
    "plainText": lambda _, value: f"**{value}**",
    "noLinks": lambda _, __: "Veja em www.exemplo.com.br",
    "distinctItems": lambda _, value: [value[0], *value[:1], *value[2:]],
}
NAMED = {
    "maxLength": "caracteres, o máximo é", "minLength": "caracteres, o mínimo é",
    "maxBytes": "bytes em UTF-8, o máximo",
    "maxFirstLine": "na primeira linha, o máximo", "maxTotalLength": "caracteres somados, o máximo",
    "minItems": "itens, o mínimo", "maxItems": "itens, o máximo", "minimum": "o mínimo é", "maximum": "o máximo é",
    "pattern": "não segue o padrão", "enum": "não é um destes", "notBlank": "está vazio", "plainText": "tem Markdown",
    "noLinks": "tem um link", "distinctItems": "repete um item anterior",
}  # fmt: skip


@AGENT
def test_every_agent_is_whole(agent: Agent):
    agent.verify()
    assert agent.type.isupper()
    assert agent.family
    assert agent.name
    assert agent.input
    assert problem(agent.input, agent.example_input) is None
    assert "demonstra" in json.dumps(agent.example, ensure_ascii=False).lower()
    for _, schema, _ in nodes(agent.wire_schema, agent.example):
        assert set(schema) <= WIRE | {"required", "additionalProperties"}
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False
            assert set(schema["required"]) == set(schema["properties"])


@AGENT
def test_each_limit_is_told_to_the_model_and_checked_after(agent: Agent):
    answer = filled(agent.output, agent.example)
    assert agent.problems(answer) == []
    wire = {path: schema for path, schema, _ in nodes(agent.wire_schema, answer)}
    for path, schema, value in nodes(agent.output, answer):
        limits = set(schema) & set(BREAK)
        for keyword in limits:
            broken = replaced(answer, path, BREAK[keyword](schema[keyword], value))
            problems = agent.problems(broken)
            assert any(line.startswith(where(path)) and NAMED[keyword] in line for line in problems), (
                keyword,
                problems,
            )
        on_the_wire = wire[path]
        assert all(words in on_the_wire["description"] for words in described(schema)), path
        for keyword in limits - OURS - {"minLength", "maxLength"}:
            assert on_the_wire[keyword] == schema[keyword]


@AGENT
def test_an_answer_in_another_language_is_noticed(agent: Agent):
    texts = [path for path, schema, _ in nodes(agent.output, agent.example) if "notBlank" in schema]
    wide = [path for path in texts if _longest(agent, path) >= len(ENGLISH)]
    assert agent.problems(replaced(agent.example, wide[0], ENGLISH)) == [
        f"{where(wide[0])}: está em inglês; escreva em português do Brasil"
    ]


def _longest(agent: Agent, path: tuple) -> int:
    schema = next(schema for known, schema, _ in nodes(agent.output, agent.example) if known == path)
    return 0 if {"pattern", "minLength"} & set(schema) else schema.get("maxLength", 10_000)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bateria para o dia todo", None),
        ("Black Friday: shop now, pague depois", None),
        (ENGLISH, "inglês"),
        ("El móvil que va con tu ritmo y con la batería para todo el día, más que los otros", "espanhol"),
        ("Reels, stories e feed: o que publicar em cada um, sem repetir a mesma ideia", None),
    ],
)
def test_the_language_detector(text: str, language: str | None):
    assert other_language(text) == language


@AGENT
def test_the_markdown_is_made_from_the_answer_and_always_the_same(agent: Agent):
    data, content = agent.written(agent.example, agent.example_input)
    assert (data, content) == agent.written(agent.example, agent.example_input)
    assert "demonstra" in content.lower()
    assert "{{" not in content
    assert "\n\n\n" not in content
    assert agent.example.items() <= data.items() or agent.derived


@AGENT
def test_the_instructions_are_short_and_the_file_names_its_sources(agent: Agent):
    assert 600 < len(agent.brief) < 2_400
    (path,) = [path for path in FILES if tomllib.loads(path.read_text())["type"] == agent.type]
    if agent.family != "Análises" and agent.type != "BLOG_PARAGRAPH":
        assert "https://" in path.read_text() or "caracteres" in path.read_text()


def test_there_are_thirty_forms_feed_and_stories_and_six_analyses_in_a_folder_for_each_family():
    families: dict[str, set[str]] = {}
    for path in FILES:
        families.setdefault(tomllib.loads(path.read_text())["family"], set()).add(path.parent.name)
    assert all(len(folders) == 1 for folders in families.values())
    counts = {family: sum(agent.family == family for agent in AGENTS.values()) for family in families}
    assert counts == {
        "Meta Ads": 4, "Instagram": 4, "YouTube": 4, "Blog/SEO": 8, "Funil": 4, "WhatsApp": 5, "CRM": 1,
        "Feed & Stories": 1, "Análises": 6,
    }  # fmt: skip
