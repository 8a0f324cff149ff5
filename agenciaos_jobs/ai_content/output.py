"""The output of a generation: what AgênciaOS's pages read, and what it consumed."""

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.inputs import prepare
from agenciaos_jobs.ai_content.answer import Usage
from agenciaos_jobs.engine.model.job import Json


def output_of(agent: Agent, answer: Json, given: Json, usage: Usage) -> Json:
    """``data`` is the answer with what is derived from it, ``content`` its Markdown.

    The Markdown is under the key of the agent's form too, because that is the one that its page shows. ``cost`` is in
    US dollars, ``None`` where the model's price is not known; ``usage.costUsd`` has it exactly.
    """
    data, content = agent.written(answer, prepare(agent.input, given)[0])
    consumed = usage.as_json()
    return {
        "success": True,
        "data": data,
        "content": content,
        **({agent.form_key: content} if agent.form_key else {}),
        "tokensUsed": consumed["totalTokens"],
        "cost": None if usage.cost is None else float(usage.cost),
        "usage": consumed,
    }
