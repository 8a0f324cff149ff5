"""The description of the API changes only when somebody means it to."""

import json
import os
from pathlib import Path
from typing import Any

from support.service import running_server

from agenciaos_jobs.settings import Settings

STORED = Path(__file__).with_name("openapi.json")
"""The document without its texts. ``UPDATE_OPENAPI=1 pytest tests/api/test_openapi.py`` renews it."""


def without_texts(value: Any) -> Any:
    """The document less descriptions and summaries, which may be reworded at any time."""
    if isinstance(value, dict):
        return {
            name: without_texts(item)
            for name, item in value.items()
            if name not in {"description", "summary"} or not isinstance(item, str)
        }
    return [without_texts(item) for item in value] if isinstance(value, list) else value


async def test_the_api_is_described_as_it_was(settings: Settings):
    async with running_server(settings) as service:
        status, document = await service.get("/openapi.json")
    assert status == 200
    document["info"].pop("version")
    text = json.dumps(without_texts(document), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        STORED.write_text(text)
    assert text == STORED.read_text(), "the API has changed: say so in CHANGELOG.md and renew the stored copy"
