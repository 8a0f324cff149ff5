"""A Dockerfile's steps, read, and replayed in a directory that stands for the image's root: no engine is needed.

What an image takes from its base, which is Python, is this machine's. Only the instructions that ours uses are known.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"

_OURS = re.compile(r"(?<![\w./])/(?=(?:build|opt|srv)\b)")
"""The slash of each absolute path that the image has and its base has not."""


@dataclass
class Image:
    """The last stage: what it holds, and how it runs."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: Path = Path("/")
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health_check: list[str] = field(default_factory=list)

    def located(self, text: str) -> str:
        """The text, with the image's paths as they are on this machine."""
        return _OURS.sub(f"{self.root}/", text)


def instructions(dockerfile: Path = DOCKERFILE) -> list[tuple[str, str]]:
    """Each instruction and its argument, without comments and line breaks."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def settings() -> dict[str, str]:
    """What the last stage says of how it runs: by instruction, the last of each."""
    return dict(instructions())


def environment_of(argument: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(argument))


def admitted_by_dockerignore() -> list[str]:
    """The only files and directories that a build is given: .dockerignore excludes everything else."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    return [line[1:] for line in lines if line.startswith("!")]


def replay(directory: Path) -> Image:
    """Makes the image in ``directory``. Raises ``CalledProcessError`` or ``OSError`` for a step that cannot work."""
    context = directory / "context"
    for name in admitted_by_dockerignore():
        _copy(ROOT / name, context / name, ignored=("__pycache__", "*.pyc"))
    python = directory / "base" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys._base_executable} "$@"\n')
    python.chmod(0o755)
    image, stage = Image(directory / "root"), ""
    for name, argument in instructions():
        if name == "FROM":
            if stage:
                image.root.rename(directory / stage)
            image, stage = _begun(directory, python.parent), argument.partition(" AS ")[2]
        else:
            _step(image, name, argument, directory)
    return image


def _begun(directory: Path, base: Path) -> Image:
    image = Image(directory / "root", {"PATH": f"{base}:/usr/bin:/bin"})
    image.root.mkdir()
    return image


def _step(image: Image, name: str, argument: str, directory: Path) -> None:
    match name:
        case "ENV":
            added = environment_of(image.located(argument))
            image.env |= {key: value.replace("$PATH", image.env["PATH"]) for key, value in added.items()}
        case "WORKDIR":
            image.workdir = Path(image.located(argument))
            image.workdir.mkdir(parents=True)
        case "COPY":
            _copy_step(image, argument.split(), directory)
        case "RUN":
            _run_step(image, argument)
        case _:
            _note(image, name, argument)


def _note(image: Image, name: str, argument: str) -> None:
    """Keeps how the image runs."""
    match name:
        case "USER":
            image.user = argument
        case "ENTRYPOINT":
            image.entrypoint = json.loads(argument)
        case "CMD":
            image.command = json.loads(argument)
        case "HEALTHCHECK":
            image.health_check = json.loads(argument.partition("CMD ")[2])
        case _:
            assert name == "EXPOSE", name


def _run_step(image: Image, argument: str) -> None:
    """Runs a step with what this machine tells pip of its index, but without its constraints."""
    kept = {key: value for key, value in os.environ.items() if key == "HOME" or key.startswith("PIP_")}
    kept.pop("PIP_CONSTRAINT", None)
    command = ["sh", "-c", image.located(argument)]
    subprocess.run(command, env={**kept, **image.env}, cwd=image.workdir, check=True, timeout=500)


def _copy_step(image: Image, words: list[str], directory: Path) -> None:
    source, copy = directory / "context", shutil.copy2
    if words[0].startswith("--from="):
        source, copy = directory / words.pop(0).removeprefix("--from="), os.link  # nobody changes a stage that is left
    *names, target = words
    there = Path(image.located(target)) if target.startswith("/") else image.workdir / target
    for name in names:
        found = source / name.lstrip("/")
        _copy(found, there / found.name if target.endswith("/") else there, copy=copy)


def _copy(
    source: Path, target: Path, ignored: tuple[str, ...] = (), copy: Callable[[str, str], object] = shutil.copy2
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignore = shutil.ignore_patterns(*ignored)
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignore, copy_function=copy)
    else:
        copy(str(source), str(target))
