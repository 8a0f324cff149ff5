"""The catalogue of agents: names, operators' folders, and what callers may send."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.service import running_service

from agenciaos_jobs.ai_content.agents import AGENTS, Agent, AgentError, add_folder, catalogue, find
from agenciaos_jobs.ai_content.agents.inputs import prepare, problem
from agenciaos_jobs.ai_content.reading import read
from agenciaos_jobs.settings import Settings

GUIDE = Path(__file__).parents[2] / "docs" / "writing-an-agent.md"
FILES = sorted(Path(catalogue.__file__).parent.rglob("*.toml"))


@pytest.mark.parametrize(
    "name", ["copy-generator", "COPY-GENERATOR", "meta_ads_copy", "META_ADS_COPY", "Copy_Generator"]
)
def test_an_agent_is_found_by_its_type_and_its_slug_in_any_case(name: str):
    assert find(name) is AGENTS["META_ADS_COPY"]
    assert find("copy") is None


FILE = {
    "type": "X", "slug": "x", "family": "f", "name": "n", "instructions": "i", "max_output_tokens": 1,
    "input": {"a": {"label": "A"}}, "content": "{{ headlines|bullets }}",
    "output": {"headlines": {"minItems": 1, "items": {}}}, "example": {"headlines": ["olá"]},
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1}, {"example": {}}, {"example": {"headlines": []}}, {"content": "{{ other }}"},
        {"content": "{% for"}, {"derived": {"b": "headlines|nothing"}}, {"input": {"a": {"label": "A", "size": 1}}},
        {"input": {"a": "A"}},
    ],
)  # fmt: skip
def test_an_agent_s_file_is_checked(change: dict):
    Agent.from_file(FILE).verify()
    with pytest.raises(AgentError):
        Agent.from_file(FILE | change).verify()
    with pytest.raises(AgentError):
        Agent.from_file({name: value for name, value in FILE.items() if name != "content"})


@pytest.fixture
def agents_are_put_back() -> Iterator[None]:
    by_type, by_name = dict(AGENTS), dict(catalogue._BY_NAME)
    yield
    for known, before in ((AGENTS, by_type), (catalogue._BY_NAME, by_name)):
        known.clear()
        known.update(before)


@pytest.mark.usefixtures("agents_are_put_back")
async def test_the_agent_in_the_documents_runs_from_the_operator_s_folder(settings: Settings, tmp_path: Path):
    (toml,) = re.findall(r"^```toml\n(.+?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "email_subject.toml").write_text(toml)
    payload = {"agencyId": "agency-123", "agentType": "email-subject", "input": {"product": "Smartphone"}}
    async with running_service(settings.model_copy(update={"agents_dir": tmp_path})) as service:
        run = await service.outcome("ai-content", payload)
        _, known = await service.get("/api/agents")
        _, page = await service.get("/openapi.json")
    assert run["output"]["subjects"].startswith("## Assuntos\n1. Demonstração: um assunto\n")
    assert "EMAIL_SUBJECT" in [agent["type"] for agent in known["agents"]]
    assert "EMAIL_SUBJECT" in page["components"]["schemas"]["generate-ai-content"]["properties"]["agentType"]["enum"]


def test_an_operator_s_folder_adds_agents_and_changes_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogue, "AGENTS", dict(AGENTS))
    monkeypatch.setattr(catalogue, "_BY_NAME", dict(catalogue._BY_NAME))
    (path,) = [path for path in FILES if path.parent.name == "meta_ads" and path.name == "copy.toml"]
    (tmp_path / "ours.toml").write_text(path.read_text().replace("Você é redator", "Você é redatora"))
    (tmp_path / "new.toml").write_text(
        path.read_text().replace("META_ADS_COPY", "RADIO_SPOT").replace("copy-generator", "radio")
    )
    add_folder(tmp_path)
    assert "Você é redatora" in catalogue.AGENTS["META_ADS_COPY"].brief
    assert find("radio") is catalogue.AGENTS["RADIO_SPOT"]
    (tmp_path / "new.toml").write_text(path.read_text().replace("META_ADS_COPY", "RADIO_SPOT"))
    with pytest.raises(AgentError, match="RADIO_SPOT: 'copy-generator' is a name of META_ADS_COPY already"):
        add_folder(tmp_path)
    (tmp_path / "new.toml").write_text("type =")
    with pytest.raises(AgentError, match=r"new\.toml"):
        add_folder(tmp_path)
    with pytest.raises(AgentError, match="is no folder"):
        add_folder(tmp_path / "none")


@given(st.text())
def test_any_text_of_a_model_is_read_or_has_problems(text: str):
    assert read(AGENTS["META_ADS_COPY"], text).problems


@pytest.mark.parametrize("values", [{}, {"a": ""}, {"a": None, "b": []}, {"a": "  \n"}])
def test_an_input_without_a_value(values: dict):
    assert problem(AGENTS["META_ADS_COPY"].input, values) == ("input_empty", {})


def test_what_a_form_sends_is_prepared_for_the_model():
    values, cut = prepare(
        AGENTS["META_ADS_COPY"].input,
        {
            "product": "",
            "produto": "Celular",
            "tone": "urgencia",
            "objective": "outro",
            "offer": "x" * 4_001,
            "novo": 1,
        },
    )
    assert values == {
        "objective": "outro", "product": "Celular", "tone": "Urgência", "offer": "x" * 4_000, "novo": 1,
    }  # fmt: skip
    assert cut == ["offer"]
