"""The image, compose.yaml and the Kubernetes objects: read by linters and schemas, and agreeing with the service."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from support import deploy_files, dockerfile
from support.deploy_files import DEPLOY, ROOT
from support.kustomize import rendered
from support.promtool import promtool

from agenciaos_jobs.settings import Settings

KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = deploy_files.compose_file()
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "agenciaos-jobs"}
DEFAULTS = Settings.model_construct()
STOPS_WITHIN = DEFAULTS.shutdown_delay + DEFAULTS.shutdown_grace
USER = dockerfile.settings()["USER"].split(":")


def program(name: str, *words: str) -> str:
    command = [Path(sys.executable).with_name(name), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hadolint_finds_no_fault_with_the_dockerfile():
    assert program("hadolint", "Dockerfile") == ""


def test_the_build_is_given_what_it_copies_and_no_more():
    copied = [word for name, argument in dockerfile.instructions() if name == "COPY" for word in argument.split()[:-1]]
    assert sorted(name for name in copied if not name.startswith(("--from=", "/"))) == sorted(
        dockerfile.admitted_by_dockerignore()
    )


def test_compose_yaml_is_of_the_compose_specification():
    program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_compose_gives_each_process_the_settings_it_needs_and_the_time_to_stop():
    assert OURS.keys() == {"migrate", "server", "worker"}
    assert OURS["worker"]["deploy"]["replicas"] == 2
    for name, service in OURS.items():
        assert {key.lower() for key in service["environment"]} <= set(Settings.model_fields)
        assert int(service["stop_grace_period"].removesuffix("s")) > STOPS_WITHIN
        assert service["read_only"]
        assert service.get("healthcheck", {}).get("disable", False) == (name != "server"), "only a server has a port"


def test_compose_names_every_image_by_a_release_and_mounts_what_there_is():
    for name, service in COMPOSE["services"].items():
        if name not in OURS:
            assert re.search(r":v?\d+", service["image"]), service["image"]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], volume


async def test_compose_s_prometheus_takes_its_configuration(tmp_path: Path):
    config = (DEPLOY / "compose" / "prometheus.yml").read_text()
    (tmp_path / "token").write_text("token-of-metrics")
    (tmp_path / "prometheus.yml").write_text(config.replace("/run/secrets/metrics_token", str(tmp_path / "token")))
    rules = DEPLOY / "prometheus" / "agenciaos-jobs.rules.yml"
    (tmp_path / rules.name).write_text(rules.read_text())
    assert "SUCCESS" in await promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert "/run/secrets/" + COMPOSE["services"]["prometheus"]["secrets"][0] in config
    assert re.findall(r'targets: \["(\w+):(\d+)"\]', config) == [("server", OURS["server"]["environment"]["PORT"])]


@pytest.mark.parametrize("overlay", ["base", "keda"])
def test_kubernetes_takes_what_kustomize_renders(overlay: str):
    objects = rendered(KUBERNETES / overlay)
    assert len(objects) >= 8
    for found in objects:
        if found["kind"] != "ScaledObject":  # KEDA's own
            for version in ("1.29", kubernetes_validate.latest_version()):
                kubernetes_validate.validate(found, version, strict=True)
    assert not [
        text for text in images(objects) if not re.fullmatch(r"registry\.example\.com/agenciaos-jobs:\S+", text)
    ]


def images(objects: list[dict[str, Any]]) -> list[str]:
    return [container["image"] for found in objects for container in containers(found)]


def containers(found: dict[str, Any]) -> list[dict[str, Any]]:
    template: dict[str, Any] = found["spec"].get("template", {}) if "spec" in found else {}
    return list(template.get("spec", {}).get("containers", []))


WORKLOADS = [found for found in deploy_files.kubernetes_base() if containers(found)]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda found: found["metadata"]["name"])
def test_each_pod_is_confined_and_gets_the_time_to_stop(workload: dict[str, Any]):
    pod, (container,) = workload["spec"]["template"]["spec"], containers(workload)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(USER[0]),
        "runAsGroup": int(USER[1]),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert "command" not in container, "it would replace the entry point, which is PID 1"
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][1]) if "lifecycle" in container else 0
    if workload["kind"] == "Deployment":
        assert pod["terminationGracePeriodSeconds"] > before + STOPS_WITHIN
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["spec"]["selector"]["matchLabels"] == labels


def test_probes_ask_what_the_server_answers_and_budgets_choose_its_pods():
    base = list(deploy_files.kubernetes_base())
    server = next(found for found in WORKLOADS if found["metadata"]["name"] == "agenciaos-jobs-server")
    (container,) = containers(server)
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert probes == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    port = deploy_files.platforms()[-1].env["PORT"]
    assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
    labels = [found["spec"]["template"]["metadata"]["labels"] for found in WORKLOADS if found["kind"] == "Deployment"]
    chosen = [found["spec"]["selector"]["matchLabels"] for found in base if found["kind"] == "PodDisruptionBudget"]
    assert chosen == labels
    service = next(found for found in base if found["kind"] == "Service")
    assert service["spec"]["selector"] == server["spec"]["template"]["metadata"]["labels"]


async def test_keda_scales_by_the_runs_that_wait_and_execute(tmp_path: Path):
    (scaled,) = [found for found in rendered(KUBERNETES / "keda") if found["kind"] == "ScaledObject"]
    worker = next(found for found in rendered(KUBERNETES / "keda") if found["metadata"]["name"].endswith("-worker"))
    assert "replicas" not in worker["spec"], "each apply would set KEDA's number back"
    (trigger,) = scaled["spec"]["triggers"]
    assert int(trigger["metadata"]["threshold"]) < DEFAULTS.worker_max_jobs
    rule = {"record": "runs", "expr": trigger["metadata"]["query"]}
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "keda", "rules": [rule]}]}))
    busy = [{"series": f'agenciaos_worker_slots_busy{{instance="{name}"}}', "values": "30 70"} for name in "ab"]
    depth = [{"series": f'agenciaos_queue_depth{{instance="{name}",task="report"}}', "values": "_ 90"} for name in "ab"]
    expected = [
        {"expr": "runs", "eval_time": time, "exp_samples": [{"labels": "runs", "value": value}]}
        for time, value in (("0m", 30), ("1m", 160))
    ]
    told = {"interval": "1m", "input_series": busy + depth, "promql_expr_test": expected}
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [told]}))
    assert "SUCCESS" in await promtool("test", "rules", str(tmp_path / "test.yml"))
