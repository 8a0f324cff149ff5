"""Worker processes to measure, and a job that does nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

HERE = Path(__file__).parent

OURS_UNDER_ARQ = [sys.executable, "-m", "arq", "bench.jobs.WorkerSettings"]
OURS = [sys.executable, "-m", "bench.jobs"]
STOCK_ARQ = [sys.executable, "-m", "arq", "bench.stock.WorkerSettings"]


@contextmanager
def process(command: list[str], environment: Mapping[str, str], ready: str, log: Path) -> Iterator[psutil.Process]:
    """A worker, as soon as its log says ``ready``."""
    given = {**os.environ, **environment, "PYTHONPATH": str(HERE.parent), "LOG_LEVEL": "info"}
    with log.open("w+") as output:
        child = subprocess.Popen(command, env=given, stdout=output, stderr=output, cwd=HERE.parent)
        try:
            while ready not in log.read_text():
                if child.poll() is not None:
                    raise SystemExit(f"{command} ended: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(20)


def cpu_share(process: psutil.Process, seconds: float) -> float:
    """How much of one core the process uses while nothing happens, in per cent."""
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return 100 * (sum(process.cpu_times()[:2]) - before) / seconds
