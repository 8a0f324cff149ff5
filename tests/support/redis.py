"""A Redis that a test stops and starts again."""

import subprocess
from pathlib import Path

from agenciaos_jobs.dev import embedded


class OwnRedis:
    """A server at one socket; what it held is gone when it starts again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{path}"

    def start(self) -> None:
        executable = embedded.redis_executable()
        assert executable
        command = [executable, "--port", "0", "--unixsocket", str(self._path), "--save", "", "--loglevel", "warning"]
        self._process = subprocess.Popen(command)
        embedded._wait_for_socket(self._process, self._path, self._path)

    def stop(self) -> None:
        if self._process:
            embedded.stop(self._process)
