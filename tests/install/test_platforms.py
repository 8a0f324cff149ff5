"""Each platform's commands, from what production installs: migrated, started, terminated and started again."""

import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from support.deploy_files import Platform, platforms
from support.installation import Installation, client, outcome
from support.processes import Command, run, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("plain-install")]

HERE = {"HOST": "127.0.0.1", "METRICS_TOKEN": "token-of-metrics"}


def program(plain: Installation, words: list[str]) -> list[str]:
    """The words, with the first as a path; bash is the machine's."""
    return words if words[0] == "/bin/bash" else [plain.program(words[0]), *words[1:]]


@pytest.mark.parametrize("platform", platforms(), ids=lambda platform: platform.name)
async def test_a_platform_s_commands_survive_a_restart(
    platform: Platform, plain: Installation, env: dict[str, str], tmp_path: Path
):
    env = platform.env | env | HERE | {"PATH": plain.path}
    migrate, server, worker = (program(plain, words) for words in platform.commands)
    code, text = await run(*migrate, env=env, cwd=tmp_path)
    assert code == 0, text
    for _ in range(2):
        async with AsyncExitStack() as stack:
            started = [
                await stack.enter_async_context(running(*words, env=env, cwd=tmp_path)) for words in (server, worker)
            ]
            async with client(env) as http:
                assert await outcome(http) == "COMPLETED"
                async with http.get("/metrics") as response:
                    assert response.status == 401, "the key is not the token"
            assert await terminate(started) == [0, 0]


async def terminate(commands: list[Command]) -> list[int]:
    for command in commands:
        command.interrupt(signal.SIGTERM)
    return [await command.ends() for command in commands]
