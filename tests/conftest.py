"""Real Postgres and Redis, started once; a fresh database for every test that asks for one."""

import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import hypothesis
import pytest
from pydantic import SecretStr
from support.double import OpenAIDouble
from support.guru import TOKEN, GuruDouble
from support.places import in_memory
from support.service import Service, running_service

from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.foundation import logs, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.settings import Settings

pytest.register_assert_rewrite(
    *(f"support.sdk_{topic}" for topic in ("batches", "realtime", "runs", "schedules", "triggers", "waits"))
)

# A busy machine is no failure. CI tries more examples.
hypothesis.settings.register_profile("ours", deadline=None, max_examples=100 if os.environ.get("CI") else 25)
hypothesis.settings.load_profile("ours")

pytest_plugins = [
    "support.browser",
    "support.background",
    "support.bookkeeping",
    "support.commands",
    "support.pgbouncer",
]

KEY = "tr_test_0123456789"
PASSWORD = "correct horse"

for name in [field.upper() for field in Settings.model_fields]:
    os.environ.pop(name, None)
Settings.model_config["env_file"] = None

# structlog's own default draws every traceback with all its locals, which takes longer than the tests.
logs.configure("json", "debug", Redactor())
for chatty in ("aiohttp.access", "cron_descriptor", "selenium"):
    logging.getLogger(chatty).setLevel(logging.WARNING)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.stem:  # its tests share one browser and one stack
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    if not os.environ.get("CI"):
        skip = pytest.mark.skip(reason="slow: runs with CI=true")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome, report.longrepr = "failed", f"skipped in CI, where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, str]]:
    """DATABASE_URL of a server with a migrated template database, and REDIS_URL."""
    with tempfile.TemporaryDirectory(
        prefix="agenciaos-tests-", dir=in_memory(), ignore_cleanup_errors=True
    ) as directory:
        Path(directory).chmod(0o755)
        with embedded.postgres(Path(directory) / "postgres") as postgres, embedded.redis() as (redis, _):
            yield {"DATABASE_URL": postgres, "REDIS_URL": redis}


@pytest.fixture(scope="session")
async def template(servers: dict[str, str]) -> str:
    """The name of a database with the application's tables, the demo's agencies and schema jobs."""
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute("CREATE DATABASE template_jobs")
    connection = await asyncpg.connect(in_database(servers["DATABASE_URL"], "template_jobs"))
    await seed.create_application_tables(connection)
    now = SystemClock().now()
    await migrate.migrate(connection, now, lambda _: None)
    await seed.seed(connection, now)
    await connection.close()
    await admin.close()
    return "template_jobs"


_NUMBERS = count(1)


@pytest.fixture
async def database_url(servers: dict[str, str], template: str) -> AsyncIterator[str]:
    """A fresh copy of the template."""
    name = f"test_{next(_NUMBERS)}"
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield in_database(servers["DATABASE_URL"], name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def in_database(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for looking at what happened."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def shared_settings(servers: dict[str, str]) -> Settings:
    """What the settings of all tests have in common: reading the environment takes longer than a copy."""
    return Settings(
        database_url=servers["DATABASE_URL"],
        redis_url=servers["REDIS_URL"],
        trigger_secret_key=KEY,
        dashboard_password=PASSWORD,
        openai_api_key="sk-test-0123456789",
        dmg_webhook_secret=TOKEN,
        shutdown_grace=0,
    )


@pytest.fixture
def settings(shared_settings: Settings, database_url: str, openai_double: OpenAIDouble) -> Settings:
    own = {"database_url": SecretStr(database_url), "openai_base_url": openai_double.url}
    return shared_settings.model_copy(update=own)


@pytest.fixture
async def openai_double() -> AsyncIterator[OpenAIDouble]:
    double = OpenAIDouble()
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def guru_double() -> AsyncIterator[GuruDouble]:
    double = GuruDouble()
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """Server and worker in this process, on the test's own database."""
    async with running_service(settings) as running:
        yield running
