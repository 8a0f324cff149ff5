"""The description of the API changes only when somebody means it to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


DOCUMENT = """
from agenciaos_jobs.api import openapi
from agenciaos_jobs.server import operations
import orjson
print(orjson.dumps(openapi.document(operations())).decode())
"""


def test_the_api_is_described_as_it_was():
    """In a process of its own, because other tests add jobs to theirs."""
    done = subprocess.run([sys.executable, "-c", DOCUMENT], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    document["info"].pop("version")
    text = json.dumps(without_texts(document), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        STORED.write_text(text)
    assert text == STORED.read_text(), "the API has changed: say so in CHANGELOG.md and renew the stored copy"
