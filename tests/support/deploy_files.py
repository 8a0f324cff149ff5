"""What each platform runs and sets, by its files."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support import dockerfile

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD_PREFIX = "/opt/agenciaos-jobs/.venv/bin/"


@dataclass(frozen=True)
class Platform:
    """The commands of one platform, as words, and the environment that its files set."""

    name: str
    migrate: list[str]
    server: list[str]
    worker: list[str]
    env: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[list[str]]:
        return [self.migrate, self.server, self.worker]


def platforms() -> list[Platform]:
    return [procfile(), railway(), fly(), systemd(), compose(), kubernetes()]


def procfile() -> Platform:
    """Heroku and honcho: a shell runs each line."""
    commands = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    migrate, server, worker = (["/bin/bash", "-c", commands[name]] for name in ("release", "web", "worker"))
    told = json.loads((DEPLOY / "heroku.app.json").read_text())["env"]
    env = {name: setting["value"] for name, setting in told.items() if "value" in setting}
    return Platform("heroku", migrate, server, worker, env)


def railway() -> Platform:
    """Railway: a start command replaces the image's entry point, and no shell fills in variables."""
    web, worker = (json.loads((DEPLOY / f"railway.{name}.json").read_text()) for name in ("web", "worker"))
    (migrate,) = web["deploy"]["preDeployCommand"]
    commands = [
        shlex.split(text) for text in (migrate, web["deploy"]["startCommand"], worker["deploy"]["startCommand"])
    ]
    return Platform("railway", *commands, env=_image_env())


def fly() -> Platform:
    """Fly: its commands are given to the image's entry point."""
    told = tomllib.loads((DEPLOY / "fly.toml").read_text())
    texts = (told["deploy"]["release_command"], told["processes"]["web"], told["processes"]["worker"])
    return Platform("fly", *(_entered(shlex.split(text)) for text in texts), env=_image_env() | told["env"])


def systemd() -> Platform:
    web, worker = ((DEPLOY / "systemd" / f"agenciaos-jobs-{name}.service").read_text() for name in ("web", "worker@"))
    found = [re.search(pattern, unit, re.M) for pattern, unit in (
        (r"^ExecStartPre=(.+)$", web), (r"^ExecStart=(.+)$", web), (r"^ExecStart=(.+)$", worker),
    )]  # fmt: skip
    commands = [shlex.split(match[1].removeprefix(SYSTEMD_PREFIX)) for match in found if match]
    return Platform("systemd", *commands)


def compose_file() -> dict[str, Any]:
    """compose.yaml, read."""
    told: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return told


def compose() -> Platform:
    services = compose_file()["services"]
    commands = [_entered(services[name]["command"]) for name in ("migrate", "server", "worker")]
    return Platform("compose", *commands, env=_image_env())


def kubernetes() -> Platform:
    """Kubernetes: ``args`` replace the image's command, and its entry point stays."""
    commands = {
        document["metadata"]["name"]: _entered(container["args"])
        for document in kubernetes_base()
        for container in document["spec"].get("template", {}).get("spec", {}).get("containers", [])
    }
    told = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "kustomization.yaml").read_text())
    env = dict(literal.split("=", 1) for literal in told["configMapGenerator"][0]["literals"])
    names = ("agenciaos-jobs-migrate", "agenciaos-jobs-server", "agenciaos-jobs-worker")
    return Platform("kubernetes", *(commands[name] for name in names), env=_image_env() | env)


def kubernetes_base() -> Iterator[dict[str, Any]]:
    """The objects of the base, before kustomize."""
    base = DEPLOY / "kubernetes" / "base"
    for name in yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((base / name).read_text())


def _entered(words: list[str]) -> list[str]:
    return [*json.loads(dockerfile.settings()["ENTRYPOINT"]), *words]


def _image_env() -> dict[str, str]:
    env = dockerfile.environment_of(dockerfile.settings()["ENV"])
    del env["PATH"]
    return env
