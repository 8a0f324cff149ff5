"""The commands users list, add, password and disable."""

from pathlib import Path

import asyncpg
from support.commands import cli


async def test_users_are_added_changed_disabled_and_listed(env: dict[str, str], db: asyncpg.Connection, tmp_path: Path):
    async def run(*words: str, given: str = "a long enough one\n") -> tuple[int | None, str]:
        return await cli("users", *words, env=env, cwd=tmp_path, given=given)

    assert await run("add", "Ana", "--role", "operator") == (0, "ana: operator\n")
    first = await db.fetchval("SELECT password_hash FROM jobs.dashboard_users")
    assert first.startswith("$argon2id$")
    code, said = await run("add", "ana")
    assert (code, "exists already" in said) == (1, True)
    assert (await run("password", "ana", given="another long one\n"))[0] == 0
    assert await db.fetchval("SELECT password_hash FROM jobs.dashboard_users") != first
    assert (await run("disable", "ana"))[0] == 0
    code, said = await run("list")
    assert (code, said.splitlines()[1].split()[:2]) == (0, ["ana", "operator"])
    acts = await db.fetch("SELECT action, subject, detail FROM jobs.audit ORDER BY id")
    assert [tuple(record) for record in acts] == [
        ("users/add", "ana", "operator"),
        ("users/add", "ana", "viewer"),
        ("users/password", "ana", ""),
        ("users/disable", "ana", ""),
    ]
