"""What stands in deploy/: read by the tools it is for, and asking for commands, settings and metrics that there are."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support import dockerfile
from support.commands import cli
from support.deploy_files import DEPLOY, ROOT, platforms
from support.dockerfile import DOCKERFILE
from support.promtool import promtool
from support.service import Service

from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.settings import Settings

RULES = DEPLOY / "prometheus" / "agenciaos-jobs.rules.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "agenciaos-jobs.json").read_text())
PANELS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
DEFAULTS = Settings.model_construct()
STOPS_WITHIN = DEFAULTS.shutdown_delay + DEFAULTS.shutdown_grace


async def test_prometheus_takes_the_rules_and_they_fire_when_they_should():
    assert "SUCCESS" in await promtool("check", "rules", str(RULES))
    assert "SUCCESS" in await promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))
    assert "SUCCESS" in await promtool("test", "rules", str(DEPLOY / "prometheus" / "agenciaos-jobs.rules.test.yml"))


async def test_prometheus_can_read_what_the_dashboard_asks(tmp_path: Path):
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(PANELS)]
    asked = tmp_path / "dashboard.yml"
    asked.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(PANELS)} rules found" in await promtool("check", "rules", str(asked))


async def test_rules_and_dashboard_ask_for_metrics_and_labels_that_there_are(service: Service):
    await service.get("/readyz")
    async with service.http.get("/metrics") as response:
        told = list(text_string_to_metric_families(await response.text()))
    families = {family.name for family in told}
    asked = RULES.read_text() + " ".join(PANELS)
    names = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"\b(agenciaos_[a-z_0-9]+)", asked)}
    assert names - families == set()
    known = {
        metric._name: {*metric._labelnames, "le"}
        for registry in (metrics.SERVER, metrics.WORKER, metrics.PROCESS)
        for metric in registry._collector_to_names
        if hasattr(metric, "_labelnames")
    }
    labeled = {family.name: {label for sample in family.samples for label in sample.labels} for family in told}
    for name, selected in re.findall(r"\b(agenciaos_[a-z_0-9]+)\{([^}]*)\}", asked):
        labels = set(re.findall(r"(\w+)\s*[=!]~?", selected))
        family = re.sub(r"_(total|bucket|count|sum)$", "", name)
        assert labels <= known.get(family, labeled.get(family)), name


def test_every_rule_says_how_bad_it_is_and_has_its_entry_in_the_runbook():
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    runbook = (ROOT / "docs" / "operations.md").read_text()
    assert len(alerts) == len(re.findall("severity: (critical|warning)", RULES.read_text())) > 10
    assert [alert for alert in alerts if f"| `{alert}` |" not in runbook] == []


def test_panels_do_not_lie_on_each_other():
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_systemd_finds_no_fault_with_the_units(unit: Path, tmp_path: Path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    text = unit.read_text()
    assert int(re.search(r"TimeoutStopSec=(\d+)", text)[1]) > STOPS_WITHIN
    there = tmp_path / unit.name
    there.write_text(text.replace("/opt/agenciaos-jobs/.venv", str(Path(sys.executable).parent.parent)))
    done = subprocess.run(["systemd-analyze", "verify", str(there)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


COMMANDS = {
    f"{platform.name} {role}": words
    for platform in platforms()
    for role, words in zip(("migrate", "server", "worker"), platform.commands, strict=True)
}


@pytest.mark.parametrize("place", sorted(COMMANDS))
async def test_the_commands_that_platforms_run_are_ours(place: str, tmp_path: Path):
    words = COMMANDS[place]
    if words[0] == "dumb-init":
        assert words[:3] == json.loads(dockerfile.settings()["ENTRYPOINT"])
        words = words[3:]
    if words[0] == "env":
        words = [word for word in words[1:] if "=" not in word]
    if words[0] == "/bin/bash":
        words = [re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", word) for word in words[2].split()]
    if words[0] == "arq":
        assert words[1:] == ["agenciaos_jobs.worker.WorkerSettings"]
        return
    assert words[0] == "agenciaos-jobs"
    code, said = await cli(*words[1:], "--help", cwd=tmp_path)
    assert code == 0, said


def test_platforms_wait_for_a_drain_and_ask_readyz():
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text())
    assert int(fly["kill_timeout"].removesuffix("s")) > STOPS_WITHIN
    assert (fly["kill_signal"], fly["http_service"]["checks"][0]["path"]) == ("SIGTERM", "/readyz")
    assert str(fly["http_service"]["internal_port"]) == fly["env"]["PORT"]
    assert fly["http_service"]["processes"] == ["web"]
    for path in DEPLOY.glob("railway.*.json"):
        railway = json.loads(path.read_text())
        assert railway["$schema"] == "https://railway.com/railway.schema.json"
        assert railway["deploy"]["drainingSeconds"] > STOPS_WITHIN
    assert json.loads((DEPLOY / "railway.web.json").read_text())["deploy"]["healthcheckPath"] == "/readyz"
    heroku = json.loads((DEPLOY / "heroku.app.json").read_text())
    assert int(heroku["env"]["SHUTDOWN_GRACE"]["value"]) + DEFAULTS.shutdown_delay < 30, "when Heroku kills"
    assert heroku["formation"].keys() == {"web", "worker"}


def test_platforms_set_what_is_a_setting():
    named = set(json.loads((DEPLOY / "heroku.app.json").read_text())["env"])
    named |= {name for platform in platforms() for name in platform.env}
    named |= {word.partition("=")[0] for words in COMMANDS.values() if "env" in words for word in words if "=" in word}
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_platforms_that_build_an_image_build_ours():
    assert (DEPLOY / tomllib.loads((DEPLOY / "fly.toml").read_text())["build"]["dockerfile"]).resolve() == DOCKERFILE
    for path in DEPLOY.glob("railway.*.json"):
        build = json.loads(path.read_text())["build"]
        assert build["builder"] == "DOCKERFILE", "Railpack copies only requirements.txt before it installs"
        assert ROOT / build["dockerfilePath"] == DOCKERFILE
