"""The description of the API changes only when somebody means it to."""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import create_model
from support.api_document import api_document

from agenciaos_jobs import Job
from agenciaos_jobs.api import schemas

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


def test_the_api_is_described_as_it_was():
    document = api_document()
    document["info"].pop("version")
    text = json.dumps(without_texts(document), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        STORED.write_text(text)
    assert text == STORED.read_text(), "the API has changed: say so in CHANGELOG.md and renew the stored copy"


def test_names_are_unique_and_ascii_and_no_field_has_a_default():
    document = json.loads(STORED.read_text())
    models = document["components"]["schemas"]
    titles = [schema["title"] for schema in models.values()]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(titles) == len(set(titles))
    assert len(names) == len(set(names))
    assert all(text.isascii() for text in [*titles, *names, document["info"]["title"]])
    assert all(operation["tags"] and "security" in operation for operation in operations)
    assert [name for name, schema in models.items() if '"default"' in json.dumps(schema)] == []


def test_payloads_of_two_jobs_may_have_models_of_one_name():
    def job(task: str, kind: type) -> Job[Any]:
        item = create_model("Item", value=(kind, ...))
        return Job(task, create_model("Payload", items=(list[item], ...), note=(str, "none")), lambda *_: None)

    first, second = schemas.of_payload(job("send-mail", int)), schemas.of_payload(job("send-fax", str))
    assert set(first) == {"send-mail", "SendMailItem"}
    assert set(first).isdisjoint(second)
    assert first["send-mail"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/SendMailItem"}
    assert first["send-mail"]["title"] == "SendMailPayload"
    assert first["send-mail"]["properties"]["note"] == {"type": "string", "description": 'Default: "none"'}
    assert first["send-mail"]["required"] == ["items"]
