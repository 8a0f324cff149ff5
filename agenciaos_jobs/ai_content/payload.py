"""The payload of ``generate-ai-content``: which agent writes, for whom, and from what."""

from typing import Annotated, Any, LiteralString

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, ValidationInfo, field_validator
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from agenciaos_jobs.ai_content.agents import AGENTS, Agent, find
from agenciaos_jobs.ai_content.agents.inputs import VALUE_LIMIT, problem
from agenciaos_jobs.ai_content.variation import Variation
from agenciaos_jobs.engine.model.job import Json

EXAMPLE: Json = {
    "agencyId": "agency-123",
    "agentType": "META_ADS_COPY",
    "input": {"produto": "Smartphone", "publico": "Jovens 18-25"},
    "userId": "user-456",
}

_INPUT_PROBLEMS: dict[str, LiteralString] = {
    "input_empty": "at least one input must have a value",
    "input_value_too_long": "{name} has {size} characters, at most {limit} are allowed",
    "input_too_long": "has {size} characters in all, at most {limit} are allowed",
    "input_missing": "these fields are required: {names}",
}
_ANALYSES = {
    "agency": "GENERAL_ANALYSIS",
    "client": "CLIENT_STRATEGY",
    "project": "PROJECT_ANALYSIS",
    "task": "TASK_BREAKDOWN",
}
"""What the application's older calls mean, by what their ``agencyId`` is the id of."""
_STREAM = "Whether the run writes the Markdown to its stream `content` while the model writes it"


class _AgentName:
    """The JSON Schema of ``agentType``: the agents that there are when the document is made."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: GetJsonSchemaHandler) -> Json:
        names = "The agent's type, or its slug, in any case: GET /api/agents"
        return {"type": "string", "description": names, "enum": list(AGENTS)}


def _completed(schema: dict[str, Any]) -> None:
    schema |= {"title": "GenerateAiContent", "examples": [EXAMPLE]}
    schema["anyOf"] = [{"required": ["agentType", "input"]}, {"required": ["content"]}]


class Payload(BaseModel):
    """What to write, for whom: ``agentType`` and the agent's own fields in ``input``, or others: the model sees all.

    The application's older calls have ``content`` instead, with ``type`` and ``data`` where they have them. Their
    ``agencyId`` may be the id of a client, a project or a task. With a ``variation`` only one text is written anew.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra=_completed, validate_default=True)

    agencyId: str = Field(min_length=1, max_length=191)  # noqa: N815
    content: str | None = Field(default=None, max_length=VALUE_LIMIT)
    type: str | None = Field(default=None, max_length=191)
    data: JsonValue = None
    agentType: Annotated[str | None, _AgentName] = None  # noqa: N815
    input: dict[str, JsonValue] = Field(default_factory=dict)
    userId: str | None = Field(default=None, max_length=191)  # noqa: N815
    variation: Variation | None = None
    stream: bool = Field(default=False, description=_STREAM)

    @field_validator("agentType", mode="after")
    @classmethod
    def _is_known(cls, name: str | None, info: ValidationInfo) -> str | None:
        """The agent's type; ``None`` for an older call that does not name the kind of analysis."""
        if name is None:
            if not (info.data.get("content") or "").strip():
                raise PydanticKnownError("missing")
            agent = find(info.data.get("type") or "")
            return agent.type if agent else None
        agent = find(name)
        if agent is None:
            expected = ", ".join(AGENTS)
            raise PydanticCustomError("unknown_agent", "expected one of {expected}", {"expected": expected})
        return agent.type

    @field_validator("input", mode="after")
    @classmethod
    def _is_usable(cls, values: dict[str, JsonValue], info: ValidationInfo) -> dict[str, JsonValue]:
        if "agentType" not in info.data:  # which has its own error
            return values
        content, name = info.data.get("content"), info.data["agentType"]
        if content and not values:
            values = {"content": content, "data": info.data.get("data")}
        if found := problem(AGENTS[name].input if name else (), values):
            code, figures = found
            raise PydanticCustomError(code, _INPUT_PROBLEMS[code], figures)
        return values

    @field_validator("variation", mode="after")
    @classmethod
    def _is_possible(cls, variation: Variation | None, info: ValidationInfo) -> Variation | None:
        if variation is None or "agentType" not in info.data:
            return variation
        agent = AGENTS.get(info.data["agentType"] or "")
        if agent is None or not variation.is_of_text(agent):
            raise PydanticCustomError("variation_of_no_text", "path does not lead to a text that the agent writes")
        if problems := agent.problems(variation.answer(agent)):
            raise PydanticCustomError("variation_unfit", "data breaks limits: {problem}", {"problem": problems[0]})
        return variation

    @property
    def agent(self) -> Agent:
        """The agent that writes. An older call has one once it is :meth:`resolved`."""
        agent = AGENTS[self.agentType or "GENERAL_ANALYSIS"]
        return agent.in_reading_order if self.stream and not agent.long else agent

    @property
    def max_duration(self) -> int:
        """In seconds, for one attempt."""
        return self.agent.max_duration

    def resolved(self, agency_id: str, kind: str) -> "Payload":
        """The payload under the agency's own id, with the agent that an older call means by its kind of id."""
        return self.model_copy(update={"agencyId": agency_id, "agentType": self.agentType or _ANALYSES[kind]})
