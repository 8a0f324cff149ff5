"""kubectl's kustomize, which needs no cluster."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml


def rendered(directory: Path) -> list[dict[str, Any]]:
    """The objects that ``kubectl apply -k`` would send."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed (Debian: kubernetes-client)")
    done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))
