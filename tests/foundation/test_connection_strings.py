"""Connection strings as people have them: the operator's table, row by row, and that no password is shown."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st
from support.commands import cli

from agenciaos_jobs.engine.queue import connect
from agenciaos_jobs.foundation.connections import postgres_url, redis_url
from agenciaos_jobs.foundation.connections.postgres_url import DatabaseURL
from agenciaos_jobs.foundation.connections.redis_url import RedisURL
from agenciaos_jobs.settings import Settings, SettingsError

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
ROWS = re.findall(r"^\| `(DATABASE_URL|REDIS_URL)` \| `(.+)` \| (.+) \|$", OPERATIONS, re.MULTILINE)


def read_by_asyncpg(given: DatabaseURL) -> tuple[list, connect_utils._ConnectionParameters]:
    names = dict.fromkeys(
        ("host", "port", "user", "password", "passfile", "database", "service", "servicefile", "direct_tls")
    )
    rest = dict.fromkeys(("server_settings", "target_session_attrs", "krbsrvname", "gsslib"))
    return connect_utils._parse_connect_dsn_and_args(dsn=given.dsn, ssl=given.ssl_context(), **names, **rest)


def ignored_in_words(ignored: tuple[str, ...], harmless: frozenset[str]) -> list[str]:
    warning = "" if harmless.issuperset(ignored) else ", with a warning"
    return [f"ignores {', '.join(ignored)}{warning}"] if ignored else []


def database_in_words(url: str) -> str:
    given = DatabaseURL.read(url)
    _, found = read_by_asyncpg(given)
    assert (found.server_settings or {}).keys() <= {"options"}
    if found.sslmode >= connect_utils.SSLMode.require:
        is_verified = found.ssl.verify_mode is ssl.CERT_REQUIRED
        tls = "TLS, verified" if is_verified else "TLS, not verified" if given.ssl_mode == "no-verify" else "TLS"
        assert found.ssl.check_hostname == is_verified
    else:
        tls = "TLS if offered"
    prepared = ["a pooler"] if given.is_pooled else [] if given.statement_cache_size else ["no prepared statements"]
    return "; ".join([tls, *prepared, *ignored_in_words(given.ignored, postgres_url.HARMLESS)])


def redis_in_words(url: str) -> str:
    options = connect(url).connection_pool.connection_kwargs
    words = {None: "no TLS", "required": "TLS, verified", "none": "TLS, not verified"}
    ignored = ignored_in_words(RedisURL.read(url).ignored, redis_url.HARMLESS)
    return "; ".join([words[options.get("ssl_cert_reqs")], *ignored])


@pytest.mark.parametrize(("setting", "url", "result"), ROWS)
def test_each_row_of_the_operator_s_table_is_true(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, url: str, result: str
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(setting, f" \n{url}\r\n")
    assert in_words(setting) == result


def in_words(setting: str) -> str:
    try:
        given = getattr(Settings.load(), setting.lower()).get_secret_value()
    except SettingsError as error:
        return str(error).removeprefix(f"{setting} is malformed: ")
    return database_in_words(given) if setting == "DATABASE_URL" else redis_in_words(given)


def test_the_table_is_there():
    assert len(ROWS) > 40


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "check"])
@pytest.mark.parametrize("url", ["postgres://u:hun/ter2@h/d", "postgres://u:hunter2@h:port/d", "postgress://hunter2@h"])
async def test_a_malformed_one_stops_each_command_with_one_sentence(tmp_path: Path, command: str, url: str):
    code, text = await cli(command, env={"DATABASE_URL": url, "REDIS_URL": "redis://h"}, cwd=tmp_path)
    assert (code, text.count("\n"), "DATABASE_URL is malformed: " in text) == (1, 1, True), text
    assert [part for part in ("hun", "ter2") if part in text] == []


READERS = {"postgresql": DatabaseURL.read, "redis": RedisURL.read}


def refusal(read: Callable[[str], object], url: str) -> str:
    try:
        read(url)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_message_shows_a_password_and_an_escaped_one_arrives_whole(before: str, after: str):
    password = f"{before}hunter2{after}"
    messages = [refusal(read, f"{scheme}://u:{password}@h.example:1/0") for scheme, read in READERS.items()]
    assert [message for message in messages if "hunter2" in message] == []
    _, found = read_by_asyncpg(DatabaseURL.read(f"postgresql://u:{quote(password, safe='')}@h.example/d"))
    assert found.password == password
    options = connect(f"redis://u:{quote(password, safe='')}@h.example").connection_pool.connection_kwargs
    assert options["password"] == password
