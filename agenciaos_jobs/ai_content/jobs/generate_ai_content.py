"""Writes marketing content with a language model, within the agency's plan."""

from collections.abc import Awaitable, Callable
from functools import partial

from agenciaos_jobs.ai_content.agents.inputs import prepare
from agenciaos_jobs.ai_content.alerts import AI_BUDGET_AGENCY
from agenciaos_jobs.ai_content.budget import step_reached
from agenciaos_jobs.ai_content.conversation import ReplayableRounds, Requester, cancel_abandoned
from agenciaos_jobs.ai_content.error_words import explain
from agenciaos_jobs.ai_content.output import output_of
from agenciaos_jobs.ai_content.payload import Payload
from agenciaos_jobs.ai_content.prompt import Answer, ParsedAnswer, Prompt, Usage, prompt, read
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
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month

_PASSING_FAULTS = {"generation_failed"}
_STOPPED = {HANDED_BACK, REVOKED}


async def run(context: RunContext[AIContent], payload: Payload) -> CommitWith:
    payload = await _resolved(context, payload)
    agency = await agencies.brief(context.database, payload.agencyId)
    if agency is None:
        raise _agency_not_found(payload)
    await _reserve(context, payload.agencyId, agency.plan)
    agent = payload.agent
    user_input, cut = prepare(agent.input, payload.input)
    if cut:
        context.log.info("input_cut", agent=agent.type, fields=cut)
    request = prompt(agent, agency.name, agency.clients, agency.projects, user_input)
    content, usage = await _write(context, payload, request)
    context.log.info("content_generated", agent=agent.type, model=usage.model, output_tokens=usage.output_tokens)
    return CommitWith(partial(_complete, context=context, payload=payload, content=content, usage=usage))


async def _resolved(context: RunContext[AIContent], payload: Payload) -> Payload:
    """The payload under its agency's own id: older calls may carry the id of a client, a project or a task."""
    if not payload.content:
        return payload
    owner = await agencies.owner_of(context.database, payload.agencyId)
    if owner is None:
        raise _agency_not_found(payload)
    return payload.resolved(owner.agency_id, owner.kind)


def _agency_not_found(payload: Payload) -> GiveUp:
    return GiveUp("agency_not_found", f"there is no agency {payload.agencyId!r}")


async def _reserve(context: RunContext[AIContent], agency_id: str, plan: str) -> None:
    """Reserves one generation of the month in which the run was triggered, or gives up."""
    month = Month.of(context.run.created_at)
    limit = context.uses.monthly_limits[plan]
    reservation = await generations.reserve(context.database, context.run, agency_id, month, limit, context.clock.now())
    if not reservation.granted:
        resets_at = month.next.starts_at.isoformat()
        message = f"plan {plan} allows {limit} generations a month, {reservation.used} are used; resets at {resets_at}"
        details = {"limit": limit, "used": reservation.used, "plan": plan, "resetsAt": resets_at}
        raise GiveUp("plan_limit_reached", message, details=details)
    used = reservation.used + 1
    if context.run.attempt == 1 and (step := step_reached(used, limit)):
        context.uses.alerts.record(AI_BUDGET_AGENCY, str(step), subject=agency_id, used=used, limit=limit, plan=plan)


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
        message = f"the answer breaks the agent's limits after a correction: {'; '.join(reading.problems)}"
        raise GiveUp("output_limits_exceeded", message, details={"problems": list(reading.problems)})
    return reading.content, usage


async def _writer(context: RunContext[AIContent], payload: Payload) -> Callable[[Prompt], Awaitable[Answer]]:
    """The function that asks the model; long content is written in the background."""
    if not _in_background(context, payload):
        return context.uses.model.answer
    requester = Requester(payload.agencyId, payload.userId, payload.agent.type)
    return (await ReplayableRounds.of(context, requester)).answer


def _in_background(context: RunContext[AIContent], payload: Payload) -> bool:
    return payload.agent.long and context.uses.model.in_background


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
    output = output_of(payload.agent, content, payload.input, usage)
    generation = _generation(context, payload, usage, content=output["data"])
    await generations.record(connection, generation, context.clock.now())
    return output


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
        agent_type=payload.agent.type,
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
    limits=Limits(attempts=3, per_agency=True),
    hooks=Hooks(
        agency=lambda payload: payload.agencyId,
        max_duration=lambda payload: payload.max_duration,
        on_discard=_abandon,
        cleanup=cancel_abandoned,
        explain=explain,
    ),
)
