"""The groups of endpoints in the OpenAPI document and the reference."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text


@dataclass(frozen=True)
class Tag:
    """A group of endpoints; ``path`` is a pattern that the beginning of their paths matches."""

    name: str
    title: Text
    path: str


TAGS = (
    Tag("triggers", Text("Iniciar execuções", "Trigger runs"), r"/api/(trigger|v1/tasks/.+/trigger|(v2/)?packets)"),
    Tag("batches", Text("Lotes", "Batches"), r"/api/v\d/(tasks/(\{task\}/)?batch|batches)"),
    Tag("runs", Text("Execuções", "Runs"), r"/api/v\d/(runs|projects|idempotencyKeys)"),
    Tag("bulk-actions", Text("Ações em massa", "Bulk actions"), r"/api/v1/bulk-actions"),
    Tag("realtime", Text("Acompanhar ao vivo", "Realtime"), r"/realtime/"),
    Tag("schedules", Text("Agendamentos", "Schedules"), r"/api/v1/(schedules|timezones)"),
    Tag("queues", Text("Filas", "Queues"), r"/api/v1/queues"),
    Tag("wait-tokens", Text("Tokens de espera", "Wait tokens"), r"/api/v1/waitpoints"),
    Tag("public-tokens", Text("Tokens públicos", "Public tokens"), r"/api/v1/auth"),
    Tag("webhooks", Text("Webhooks recebidos", "Incoming webhooks"), r"/webhooks/"),
    Tag("service", Text("O serviço", "The service"), r"/"),
)
"""In the order in which they are shown, and in which they are compared: the first that matches is a path's tag."""


def tag_of(path: str) -> str:
    return next(tag.name for tag in TAGS if re.match(tag.path, path))


def described(paths: Iterable[str]) -> list[Json]:
    """The tags that these paths have, as the document lists them."""
    used = {tag_of(path) for path in paths}
    return [{"name": tag.name, "description": f"{tag.title.en} / {tag.title.pt}"} for tag in TAGS if tag.name in used]
