"""Writes marketing content with a language model, within the agency's plan."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, LiteralString

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.alerts import AI_BUDGET_AGENCY
from agenciaos_jobs.ai_content.budget import step_reached
from agenciaos_jobs.ai_content.conversation import ReplayableRounds, Requester, cancel_abandoned
from agenciaos_jobs.ai_content.prompt import Answer, ParsedAnswer, Prompt, Usage, input_problem, prompt, read
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.ai_content.store import generations, responses
from agenciaos_jobs.ai_content.store.generations import Generation
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import (
    HANDED_BACK,
    REVOKED,
    CommitWith,
    GiveUp,
    Hooks,
    Job,
    Json,
    Limits,
    RetryLater,
)
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.agencies import AgencyBrief
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month

_INPUT_PROBLEMS: dict[str, LiteralString] = {
    "input_empty": "at least one input must have a value",
    "input_value_too_long": "{name} has {size} characters, at most {limit} are allowed",
    "input_too_long": "has {size} characters in all, at most {limit} are allowed",
}
_PASSING_FAULTS = {"generation_failed"}
_STOPPED = {HANDED_BACK, REVOKED}


def _known_agent(name: str) -> str:
    if name not in AGENTS:
        raise PydanticCustomError("unknown_agent", "expected one of {expected}", {"expected": ", ".join(AGENTS)})
    return name


def _usable_input(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if problem := input_problem(values):
        code, figures = problem
        raise PydanticCustomError(code, _INPUT_PROBLEMS[code], figures)
    return values


EXAMPLE: Json = {
    "agencyId": "agency-123",
    "agentType": "META_ADS_COPY",
    "input": {"produto": "Smartphone", "publico": "Jovens 18-25"},
    "userId": "user-456",
}


class Payload(BaseModel):
    """What to write, for whom. ``input`` holds the fields that the agent expects, or others: the model sees all."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "GenerateAiContent", "examples": [EXAMPLE]})

    agencyId: str = Field(min_length=1, max_length=191)  # noqa: N815
    agentType: Annotated[  # noqa: N815
        str, AfterValidator(_known_agent), WithJsonSchema({"type": "string", "enum": list(AGENTS)})
    ]
    input: Annotated[dict[str, JsonValue], AfterValidator(_usable_input), Field(json_schema_extra={"minProperties": 1})]
    userId: str | None = Field(default=None, max_length=191)  # noqa: N815


async def run(context: RunContext[AIContent], payload: Payload) -> CommitWith:
    agency = await agencies.brief(context.database, payload.agencyId)
    if agency is None:
        raise GiveUp("agency_not_found", f"there is no agency {payload.agencyId!r}")
    await _reserve(context, payload.agencyId, agency)
    request = prompt(AGENTS[payload.agentType], agency.name, agency.clients, agency.projects, payload.input)
    content, usage = await _write(context, payload, request)
    context.log.info("content_generated", agent=payload.agentType, model=usage.model, output_tokens=usage.output_tokens)
    return CommitWith(partial(_complete, context=context, payload=payload, content=content, usage=usage))


async def _reserve(context: RunContext[AIContent], agency_id: str, agency: AgencyBrief) -> None:
    """Reserves one generation of the month in which the run was triggered, or gives up."""
    month, plan = Month.of(context.run.created_at), agency.plan
    limit = context.uses.monthly_limits[plan]
    reservation = await generations.reserve(context.database, context.run, agency_id, month, limit, context.clock.now())
    if not reservation.granted:
        resets_at = month.next.starts_at.isoformat()
        message = f"plan {plan} allows {limit} generations a month, {reservation.used} are used; resets at {resets_at}"
        details = {"limit": limit, "used": reservation.used, "plan": plan, "resetsAt": resets_at}
        raise GiveUp("plan_limit_reached", message, details=details)
    used = reservation.used + 1
    if context.run.attempt == 1 and (step := step_reached(used, limit)):
        context.uses.alerts.record(
            AI_BUDGET_AGENCY, str(step), subject=agency_id, agency=agency.name, used=used, limit=limit, plan=plan
        )


async def _write(context: RunContext[AIContent], payload: Payload, request: Prompt) -> tuple[Json, Usage]:
    """The content and what it consumed, after at most one corrective round."""
    ask = await _writer(context, payload)
    answer = await ask(request)
    usage = _billed(context, payload, answer.usage)
    reading = _read(request, answer)
    if reading.problems:
        context.log.info("answer_to_be_corrected", problems=len(reading.problems))
        answer = await ask(request.corrected(answer.text, reading.problems))
        usage = _billed(context, payload, usage + answer.usage)
        reading = _read(request, answer)
    if reading.problems:
        problems = "; ".join(reading.problems)
        raise GiveUp("output_limits_exceeded", f"the answer breaks the agent's limits after a correction: {problems}")
    return reading.content, usage


async def _writer(context: RunContext[AIContent], payload: Payload) -> Callable[[Prompt], Awaitable[Answer]]:
    """The function that asks the model; long content is written in the background."""
    if not _in_background(context, payload):
        return context.uses.model.answer
    requester = Requester(payload.agencyId, payload.userId, payload.agentType)
    return (await ReplayableRounds.of(context, requester)).answer


def _in_background(context: RunContext[AIContent], payload: Payload) -> bool:
    return AGENTS[payload.agentType].long and context.uses.model.in_background


def _billed(context: RunContext[AIContent], payload: Payload, usage: Usage) -> Usage:
    """Records the usage so far even if the attempt fails.

    Background responses outlive an interrupted attempt; the attempt that continues bills them.
    """
    if usage.cost is None:
        context.log.warning("price_unknown", model=usage.model)

    async def record(connection: Connection, error_code: str) -> None:
        if _in_background(context, payload):
            if error_code in _STOPPED:
                return
            await responses.finish(connection, context.run.id)
        await generations.record(
            connection, _generation(context, payload, usage, error_code=error_code), context.clock.now()
        )

    context.on_failure(record)
    return usage


def _read(request: Prompt, answer: Answer) -> ParsedAnswer:
    """The answer's content or its problems; raises for faults that no correction can fix."""
    if answer.fault:
        code, message = answer.fault
        raise RetryLater(code, message) if code in _PASSING_FAULTS else GiveUp(code, message)
    reading = read(request.agent, answer.text)
    if not reading.is_json:
        raise RetryLater("output_not_json", "; ".join(reading.problems))
    return reading


async def _complete(
    connection: Connection, *, context: RunContext[AIContent], payload: Payload, content: Json, usage: Usage
) -> Json:
    if _in_background(context, payload):
        await responses.finish(connection, context.run.id)
    await generations.record(connection, _generation(context, payload, usage, content=content), context.clock.now())
    return {"success": True, "data": content, "usage": usage.as_json()}


def _generation(
    context: RunContext[AIContent],
    payload: Payload,
    usage: Usage,
    *,
    content: Json | None = None,
    error_code: str | None = None,
) -> Generation:
    return Generation(
        run_id=context.run.id,
        attempt=context.run.attempt,
        agency_id=payload.agencyId,
        user_id=payload.userId,
        agent_type=payload.agentType,
        usage=usage,
        content=content,
        error_code=error_code,
    )


async def _abandon(connection: Connection, run_ids: list[str]) -> None:
    await generations.release(connection, run_ids)
    await responses.abandon(connection, run_ids)


JOB = Job(
    task="generate-ai-content",
    names=("ai-content",),
    summary=Text("Gera conteúdo de marketing com IA", "Writes marketing content with AI"),
    uses=AIContent,
    accepted=Text("Geração de conteúdo iniciada", "Content generation started"),
    payload=Payload,
    run=run,
    limits=Limits(attempts=3, max_duration=900, per_agency=True),
    hooks=Hooks(agency=lambda payload: payload.agencyId, on_discard=_abandon, cleanup=cancel_abandoned),
)
