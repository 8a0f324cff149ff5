"""The stream ``content`` of a run: the Markdown of its answer while the model writes it."""

from collections.abc import Iterator

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.openai.streaming import OnText
from agenciaos_jobs.ai_content.partial_answer import markdown_so_far
from agenciaos_jobs.engine.context import Stream
from agenciaos_jobs.engine.model.job import Json

_STEP, _STEPS = 20, 100
"""A chunk comes after so many characters, or the hundredth part of those before: parsing starts anew for each chunk."""

_CHUNK = 15_000
"""Characters; escaped, each takes up to six of a chunk's 100,000 bytes."""


class MarkdownStream:
    """Writes a text as chunks that only ever extend it, and ``null`` before each text.

    A run has more than one if an attempt failed, an answer was cut off, or the final text differs from what was shown,
    as after a correction. The last one of a completed run is its output's ``content``.
    """

    def __init__(self, stream: Stream, agent: Agent) -> None:
        self._stream, self._agent = stream, agent
        self._written: str | None = None
        self._next = 0

    def begin(self) -> OnText:
        """Begins a text; returns what shows it while the answer grows."""
        self._written, self._next = None, 0
        return self._show

    def finish(self, answer: Json) -> None:
        """Completes the text with that of the answer as it is used, or begins anew with it."""
        markdown = self._agent.markdown(answer)
        if not markdown.startswith(self._written or ""):
            self._written = None
        self._extend(markdown)

    def _show(self, text: str) -> None:
        if len(text) < self._next:
            return
        self._next = len(text) + max(_STEP, len(text) // _STEPS)
        markdown = markdown_so_far(self._agent, text)
        if markdown.startswith(self._written or ""):
            self._extend(markdown)

    def _extend(self, markdown: str) -> None:
        for piece in _pieces(markdown[len(self._written or "") :]):
            if self._written is None:
                self._stream.write(None)
            self._stream.write(piece)
            self._written = (self._written or "") + piece


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
