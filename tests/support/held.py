"""What schema jobs holds: its columns of text, rows to fill them with, and where a text is found."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

TEXTS = """
SELECT relname AS table, attname AS column FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'jobs'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND attnum > 0 AND NOT attisdropped
  AND atttypid::regtype::text IN ('text', 'text[]', 'json', 'jsonb', 'bytea', 'character varying', 'tsvector')
ORDER BY 1, attnum
"""

COLUMNS = """
SELECT attname AS column, atttypid::regtype::text AS type FROM pg_attribute
WHERE attrelid = ('jobs.' || $1)::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''
ORDER BY attnum
"""

VALUES = {
    "integer": "1", "bigint": "1", "numeric": "1", "double precision": "1", "boolean": "false",
    "timestamp with time zone": "now()", "date": "'2026-10-01'",
}  # fmt: skip
ALLOWED = {
    "runs.status": "COMPLETED", "attempts.status": "FAILED", "ai_generations.status": "completed",
    "schedules.type": "IMPERATIVE", "payment_events.action": "unchanged", "bulk_items.outcome": "failed",
    "bulk_actions.action": "cancel",
}  # fmt: skip
"""Texts that a constraint asks for."""


async def text_columns(db: asyncpg.Connection) -> list[tuple[str, str]]:
    return [tuple(record) for record in await db.fetch(TEXTS)]


async def fill(db: asyncpg.Connection, table: str, texts: Mapping[str, str], default: str) -> None:
    """Adds a row: ``texts`` by column, ``default`` in every other one."""
    names, values = [], []
    for record in await db.fetch(COLUMNS, table):
        name, kind = record["column"], record["type"]
        text = texts.get(name, ALLOWED.get(f"{table}.{name}", default)).replace("'", "''")
        match kind:
            case "text":
                values.append(f"'{text}'")
            case "tsvector":
                values.append(f"array_to_tsvector(ARRAY['{text}'])")
            case "text[]":
                values.append(f"ARRAY['{text}']")
            case "jsonb":
                values.append("'" + orjson.dumps(dict.fromkeys(("message", "text", "what", "x"), text)).decode() + "'")
            case _:
                values.append(VALUES[kind])
        names.append(name)
    await db.execute(f"INSERT INTO jobs.{table} ({', '.join(names)}) VALUES ({', '.join(values)})")


async def rows(db: asyncpg.Connection, table: str) -> list[dict[str, Any]]:
    return [
        orjson.loads(record[0]) for record in await db.fetch(f"SELECT to_jsonb(held)::text FROM jobs.{table} AS held")
    ]


async def places_of(db: asyncpg.Connection, *texts: str) -> set[str]:
    """Where one of the texts stands, in any table of the schema, as ``table.column``."""
    found = set()
    for table in {table for table, _ in await text_columns(db)}:
        for row in await rows(db, table):
            found |= {f"{table}.{name}" for name, value in row.items() for text in texts if text in str(value)}
    return found
