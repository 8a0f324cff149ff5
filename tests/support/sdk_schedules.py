"""What must hold of ``schedules.*`` by Trigger.dev's SDK, whichever its line."""

from agenciaos_jobs.engine.scheduler import declared
from agenciaos_jobs.registry import JOBS
from support.node import run_node
from support.service import Service


async def check(line: str, service: Service) -> None:
    seen = await run_node(service, "schedules.mjs", line)
    created = seen["created"]
    assert (created["type"], created["task"], created["active"]) == ("IMPERATIVE", "generate-monthly-reports", True)
    assert (created["deduplicationKey"], created["externalId"]) == ("daily", "agency-1")
    assert created["generator"] == {"type": "CRON", "expression": "0 6 * * *", "description": "Às 06:00"}
    assert seen["nextRunIsDate"]
    assert created["nextRun"].endswith("T09:00:00.000Z")
    assert {seen[name]["id"] for name in ("again", "updated", "deactivated", "activated", "retrieved")} == {
        created["id"]
    }
    assert seen["again"]["generator"]["expression"] == "0 0 L * *"
    assert (seen["updated"]["timezone"], seen["updated"]["externalId"]) == ("UTC", "agency-2")
    assert [seen[name]["active"] for name in ("deactivated", "activated")] == [False, True]
    assert seen["count"] == len(set(seen["all"])) == len(list(declared(JOBS))) + 1
    assert seen["declared"]["id"] in {item.id for item in declared(JOBS)}
    assert seen["delDeclared"]["error"]["status"] == 400
    assert seen["wrongCron"]["error"]["status"] == 422
    assert (seen["deleted"]["id"], seen["gone"]["error"]["status"]) == (created["id"], 404)
    assert seen["timezones"] == ["UTC", *seen["withoutUtc"]]
