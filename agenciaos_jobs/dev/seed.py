"""Sets up a database without the application: AgênciaOS's tables, and three agencies with a year of money."""

from datetime import UTC, datetime
from importlib.resources import files

from agenciaos_jobs.foundation.database import Connection

AGENCIES = ["agency-123", "agency-124", "agency-125"]


async def create_application_tables(connection: Connection) -> None:
    """Creates the application's missing tables."""
    await connection.execute(_read("application.sql"))


async def seed(connection: Connection, now: datetime) -> None:
    """Adds the demo's agencies; idempotent."""
    present = now.astimezone(UTC).strftime("%Y-%m-%d")
    text = _read("seed.sql").replace("$1", f"'{present}'")
    async with connection.transaction():
        await connection.execute(text)


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
