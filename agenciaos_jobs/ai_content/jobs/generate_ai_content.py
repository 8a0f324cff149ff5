"""Writes marketing content with a language model, within the agency's plan."""

from dataclasses import replace
from functools import partial

from agenciaos_jobs.ai_content.agents.inputs import prepare
from agenciaos_jobs.ai_content.alerts import AI_BUDGET_AGENCY
from agenciaos_jobs.ai_content.answer import Answer, Usage
from agenciaos_jobs.ai_content.budget import step_reached
from agenciaos_jobs.ai_content.conversation import ReplayableRounds, Requester, cancel_abandoned
from agenciaos_jobs.ai_content.error_words import explain
from agenciaos_jobs.ai_content.markdown_stream import MarkdownStream
from agenciaos_jobs.ai_content.openai.wire import OUTPUT_TRUNCATED
from agenciaos_jobs.ai_content.output import output_of
from agenciaos_jobs.ai_content.payload import Payload
from agenciaos_jobs.ai_content.prompt import Prompt, prompt
from agenciaos_jobs.ai_content.reading import corrected, correction, read
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.ai_content.store import generations, responses
from agenciaos_jobs.ai_content.store.generations import Generation
from agenciaos_jobs.engine.context import JobContext, RunContext
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

_PASSING_FAULTS = {"generation_failed"}
_STOPPED = {HANDED_BACK, REVOKED}


async def run(context: RunContext[AIContent], payload: Payload) -> CommitWith:
    payload = await _resolved(context, payload)
    agency = await agencies.brief(context.database, payload.agencyId)
    if agency is None:
        raise _agency_not_found(payload)
    await _reserve(context, payload.agencyId, agency)
    agent = payload.agent
    user_input, cut = prepare(agent.input, payload.input)
    if cut:
        context.log.info("input_cut", agent=agent.type, fields=cut)
    content, usage = await _write(context, payload, _request(payload, agency, user_input))
    context.log.info("content_generated", agent=agent.type, model=usage.model, output_tokens=usage.output_tokens)
    return CommitWith(partial(_complete, context=context, payload=payload, content=content, usage=usage))


def _request(payload: Payload, agency: AgencyBrief, user_input: Json) -> Prompt:
    agent, variation = payload.agent, payload.variation
    writer = variation.narrowed(agent) if variation else agent
    earlier = variation.as_data(agent) if variation else None
    return prompt(writer, agency.name, agency.clients, agency.projects, user_input, earlier)


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


async def _reserve(context: RunContext[AIContent], agency_id: str, agency: AgencyBrief) -> None:
    """Reserves one generation of the month in which the run was triggered, or gives up."""
    month, plan = Month.of(context.run.created_at), agency.plan
    limit = context.uses.monthly_limits.get(plan)
    if limit is None:
        raise GiveUp("unknown_plan", f"PLANS has no plan {plan!r}")
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
    dialogue = await Dialogue.of(context, payload)
    shown = MarkdownStream(context.stream("content"), payload.agent) if payload.stream else None
    answer = await dialogue.ask(request, shown if payload.variation is None else None)  # that one is shown whole
    reading = read(request.agent, answer.text)
    if reading.faults:
        context.log.info("answer_to_be_corrected", problems=len(reading.faults), fields=sorted(reading.wrong_fields))
        answer = await dialogue.ask(correction(request, answer.text, reading))
        reading = corrected(request.agent, reading, answer.text)
    if reading.dropped:
        context.log.info("answer_items_dropped", items=reading.dropped)
    if reading.faults and not reading.is_json:
        raise RetryLater("output_not_json", "; ".join(reading.problems))
    _require_no_problems(reading.problems)
    content = reading.content
    if payload.variation:
        content = payload.variation.applied(payload.agent, content)
        _require_no_problems(payload.agent.problems(content))
    if shown:
        shown.finish(content)
    return content, dialogue.usage


def _require_no_problems(problems: list[str]) -> None:
    if problems:
        message = f"the answer breaks the agent's limits after a correction: {'; '.join(problems)}"
        raise GiveUp("output_limits_exceeded", message, details={"problems": problems})


class Dialogue:
    """One run's requests to the model, and what they consume."""

    def __init__(self, context: RunContext[AIContent], payload: Payload, rounds: ReplayableRounds) -> None:
        self._context, self._payload, self._rounds = context, payload, rounds
        self._usage: Usage | None = None

    @classmethod
    async def of(cls, context: RunContext[AIContent], payload: Payload) -> "Dialogue":
        """Long content is written in the background."""
        requester = Requester(payload.agencyId, payload.userId, payload.agent.type)
        in_background = payload.agent.long and context.uses.model.in_background
        rounds = await ReplayableRounds.of(context, requester, in_background=in_background)
        return cls(context, payload, rounds)

    @property
    def usage(self) -> Usage:
        """What all answers have consumed."""
        assert self._usage
        return self._usage

    async def ask(self, request: Prompt, shown: MarkdownStream | None = None) -> Answer:
        """The model's answer; a truncated one is requested once more, with twice the tokens.

        Raises for faults that no correction can fix.
        """
        answer = await self._ask(request, shown)
        if answer.fault and answer.fault[0] == OUTPUT_TRUNCATED:
            doubled = replace(request.agent, max_output_tokens=2 * request.agent.max_output_tokens)
            self._context.log.info("answer_truncated", max_output_tokens=request.agent.max_output_tokens)
            answer = await self._ask(replace(request, agent=doubled), shown)
        if answer.fault:
            code, message = answer.fault
            raise RetryLater(code, message) if code in _PASSING_FAULTS else GiveUp(code, message)
        return answer

    async def _ask(self, request: Prompt, shown: MarkdownStream | None) -> Answer:
        answer = await self._rounds.answer(request, shown.begin() if shown else None)
        usage = answer.usage
        self._usage = self._usage + usage if self._usage else usage
        if usage.cost is None:
            self._context.log.warning("price_unknown", model=usage.model)
        if usage.is_incomplete:
            self._context.log.warning("usage_incomplete", model=usage.model)
        self._context.on_failure(self._record_failure)
        return answer

    async def _record_failure(self, connection: Connection, error_code: str) -> None:
        """Bills what was consumed although the attempt failed.

        Stored answers outlive an interrupted attempt; the attempt that continues bills them.
        """
        usage = self._rounds.unstored_usage if error_code in _STOPPED else self._usage
        if self._rounds.are_stored and error_code not in _STOPPED:
            await responses.finish(connection, self._context.run.id)
        if usage:
            generation = _generation(self._context, self._payload, usage, error_code=error_code)
            await generations.record(connection, generation, self._context.clock.now())


async def _complete(
    connection: Connection, *, context: RunContext[AIContent], payload: Payload, content: Json, usage: Usage
) -> Json:
    if payload.agent.long or context.run.waits_since:
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


async def _tidy(context: JobContext[AIContent]) -> None:
    await context.uses.pacer.release()
    await cancel_abandoned(context)


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
        cleanup=_tidy,
        explain=explain,
    ),
)
