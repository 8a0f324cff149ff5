"""What a model answered, and what its calls consumed."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.pacing.headroom import Headroom


@dataclass(frozen=True)
class Usage:
    """What one or more calls consumed. ``cost`` is in US dollars, ``None`` where the model's price is not known.

    ``input_tokens`` includes those read from the cache and those written to it, ``output_tokens`` the model's
    reasoning. ``is_incomplete``: a server reported only part of what it counted, so this is the least that was used.
    """

    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: Decimal | None
    service_tier: str | None = None
    requests: int = 1
    cache_write_tokens: int = 0
    is_incomplete: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            model=other.model,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
            service_tier=other.service_tier,
            requests=self.requests + other.requests,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            is_incomplete=self.is_incomplete or other.is_incomplete,
        )

    def as_json(self) -> Json:
        """The usage in a run's output; ``usageIncomplete`` only where it is."""
        incomplete = {"usageIncomplete": True} if self.is_incomplete else {}
        return {
            "model": self.model,
            "inputTokens": self.input_tokens,
            "cachedTokens": self.cached_tokens,
            "outputTokens": self.output_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "totalTokens": self.input_tokens + self.output_tokens,
            "costUsd": None if self.cost is None else str(self.cost),
            **incomplete,
        }


@dataclass(frozen=True)
class Answer:
    """A model's answer: its text, or why it can't be used (``fault``: a code, and words for people).

    ``headroom`` is what the server reported of its limits. It is not stored.
    """

    text: str
    usage: Usage
    fault: tuple[str, str] | None = None
    headroom: Headroom | None = field(default=None, compare=False)

    def as_json(self) -> Json:
        cost = None if self.usage.cost is None else str(self.usage.cost)
        return {"text": self.text, "usage": asdict(self.usage) | {"cost": cost}, "fault": self.fault}

    @classmethod
    def from_json(cls, values: Json) -> "Answer":
        cost = values["usage"]["cost"]
        usage = Usage(**values["usage"] | {"cost": None if cost is None else Decimal(cost)})
        return cls(values["text"], usage, tuple(values["fault"]) if values["fault"] else None)
