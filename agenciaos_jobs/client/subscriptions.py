"""Subscriptions over ElectricSQL's shape protocol (https://electric-sql.com/docs/api/http).

A request waits up to 20 seconds for changes. Only the ids of changed runs are taken from it.
"""

import json
from collections.abc import AsyncGenerator, Mapping

from agenciaos_jobs.client.transport import Transport

_MUST_REFETCH = 409
_SKIPPED = "payload,output,metadata,error"


async def changes(transport: Transport, path: str, query: Mapping[str, str]) -> AsyncGenerator[str, None]:
    """The ids of the runs that a shape holds, and again of each that has changed, without end."""
    beginning = {**query, "offset": "-1", "skipColumns": _SKIPPED}
    position = beginning
    while True:
        response = await transport.send("GET", path, query=position, accepted=(_MUST_REFETCH,))
        if response.status == _MUST_REFETCH:
            position = beginning
            continue
        for message in json.loads(response.body):
            if run_id := message.get("value", {}).get("id"):
                yield run_id
        cursor = {name: response.headers[f"electric-{name}"] for name in ("offset", "handle")}
        position = beginning | cursor | {"live": "true"}
