"""Trigger.dev's SDK, line 4, unchanged, against the running service."""

from support.node import needs_node, run_node
from support.service import Service

LINE = "sdk4"
pytestmark = needs_node


async def test_it_polls_a_run_to_its_end(service: Service):
    run_id = await service.trigger("monthly-report")
    answer = await run_node(service, "retrieve.mjs", LINE, run_id)
    assert (answer["id"], answer["status"]) == (run_id, "COMPLETED")
