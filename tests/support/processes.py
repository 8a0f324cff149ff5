"""Commands as processes of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from agenciaos_jobs.settings import Settings

SCRIPTS = Path(sys.executable).parent


@dataclass
class Command:
    """A command that is running; ``lines`` is what it has printed."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    async def read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            async with self.news:
                self.lines.append(line.decode())
                self.news.notify_all()
        async with self.news:
            self.news.notify_all()

    async def says(self, *texts: str, patience: float = 60) -> str:
        """The first line with one of ``texts`` in it, as soon as it is printed."""
        async with asyncio.timeout(patience), self.news:
            while True:
                for line in self.lines:
                    if any(text in line for text in texts):
                        return line
                assert self.process.returncode is None, self.text
                await self.news.wait()

    async def ends(self, patience: float = 60) -> int:
        return await asyncio.wait_for(self.process.wait(), patience)

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)


@asynccontextmanager
async def running(
    *command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> AsyncIterator[Command]:
    """Starts a command of this virtualenv with nothing in its environment but ``env`` and what any process needs.

    It is not traced for the coverage report, which takes half of a process's time.
    """
    program = SCRIPTS / command[0]
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        str(program),
        *command[1:],
        env={**kept, "LANG": "C.UTF-8", "PATH": f"{SCRIPTS}:/usr/bin:/bin", **(env or {})},
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    running_command = Command(process)
    reader = asyncio.create_task(running_command.read())
    try:
        yield running_command
    except BaseException:
        print(f"{' '.join(command)} has printed:\n{running_command.text}")
        raise
    finally:
        if process.returncode is None:
            _kill(process.pid)
        await process.wait()
        async with asyncio.timeout(10):  # what it started may live on and hold the pipe
            await reader


def _kill(pid: int) -> None:
    """Ends a process and all that it has started, in whatever session."""
    main = psutil.Process(pid)
    for process in [*main.children(recursive=True), main]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


async def run(
    *command: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    patience: float = 100,
) -> tuple[int, str]:
    """Runs a command to its end, for ``patience`` seconds at most; returns its exit code and what it printed."""
    async with running(*command, env=env, cwd=cwd) as started:
        code = await started.ends(patience)
        await asyncio.sleep(0)
    return code, started.text


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """What a server or a worker of these settings is given."""
    assert settings.database_url
    assert settings.redis_url
    assert settings.trigger_secret_key
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "TRIGGER_SECRET_KEY": settings.trigger_secret_key.get_secret_value(),
        "DASHBOARD_PASSWORD": "not-to-be-made-up",
        "OPENAI_API_KEY": "sk-test-0123456789",
        "OPENAI_BASE_URL": settings.openai_base_url,
        "PLANS": "FREE:1000000,PRO:1000000",
        **changes,
    }


@asynccontextmanager
async def worker(settings: Settings, cwd: Path, *command: str, **changes: str) -> AsyncIterator[Command]:
    """A worker process, ready to work."""
    words = command or ("arq", "agenciaos_jobs.worker.WorkerSettings")
    async with running(*words, env=environment(settings, LOG_LEVEL="debug", **changes), cwd=cwd) as process:
        await process.says("worker_started")
        yield process
