"""Installs the peers, each apart, into a cache directory of this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

OBAN = "oban==0.7.0"
PGQUEUER = "pgqueuer[asyncpg]==1.6.0"
GRAPHILE_WORKER = "graphile-worker@0.17.3"
_OBANS_PYTHON = "3.12"
_NODE_MAJOR = 20
_TIMEOUT = 300


class CannotInstallError(Exception):
    """A peer cannot be measured here; the message names what is missing."""


def cache() -> Path:
    return user_cache_path("agenciaos-jobs-bench", ensure_exists=True)


def python_with(requirement: str, python: str = sys.executable) -> Path:
    """The Python of a virtual environment with the requirement, which is made on first use."""
    directory = cache() / requirement.replace("[", "-").replace("]", "").replace("==", "-")
    executable = directory / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not _is_complete(directory):
        _run([python, "-m", "venv", "--clear", str(directory)])
        _run([str(executable), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement])
        _complete(directory)
    return executable


def obans_python() -> str:
    """A Python that Oban runs on: this one, the one on PATH or pyenv's."""
    minor = tuple(map(int, _OBANS_PYTHON.split(".")))
    if sys.version_info[:2] >= minor:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [shutil.which(f"python{_OBANS_PYTHON}"), *map(str, pyenv.glob(f"versions/{_OBANS_PYTHON}*/bin/python"))]
    for executable in filter(None, found):
        if (
            subprocess.run([executable, "--version"], capture_output=True, check=False).returncode == 0
        ):  # not a dead shim
            return executable
    raise CannotInstallError(f"it needs Python {_OBANS_PYTHON}, which is neither on PATH nor in pyenv")


def node_modules() -> Path:
    """The directory of modules with graphile-worker, which is made on first use."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotInstallError(f"it needs Node.js {_NODE_MAJOR} with npm, which is not on PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < _NODE_MAJOR:
        raise CannotInstallError(f"it needs Node.js {_NODE_MAJOR}, but this is {version.strip()}")
    directory = cache() / GRAPHILE_WORKER.replace("@", "-")
    if not _is_complete(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(directory), GRAPHILE_WORKER])
        _complete(directory)
    return directory / "node_modules"


def _is_complete(directory: Path) -> bool:
    return (directory / ".complete").exists()


def _complete(directory: Path) -> None:
    (directory / ".complete").touch()


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise CannotInstallError(f"{command[-1]} was not installed within {_TIMEOUT} s") from error
    except subprocess.CalledProcessError as error:
        raise CannotInstallError(f"{command[-1]} was not installed: {error.stderr.strip()[-500:]}") from error
