"""The OpenAPI document of a service without jobs of its own."""

import json
import subprocess
import sys
from typing import Any

_PROGRAM = """
from agenciaos_jobs.api import openapi
from agenciaos_jobs.server import operations
import orjson
print(orjson.dumps(openapi.document(operations())).decode())
"""


def api_document() -> dict[str, Any]:
    """Made in a process of its own, because tests add jobs to theirs."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document
