"""Requests under the LGPD: everything that schema ``jobs`` holds about an agency or a person, exported or erased.

Each wing names its own personal data in ``store/personal_data.sql``: ``export_<table>`` and ``erase_<table>``. What is
erased, what is kept and why: docs/privacy.md.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

import orjson

from agenciaos_jobs.ai_content.store import personal_data as ai_content
from agenciaos_jobs.alerts.store import personal_data as alerts
from agenciaos_jobs.engine.store import personal_data as engine
from agenciaos_jobs.engine.store import retention
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.store import personal_data as payments
from agenciaos_jobs.reports.store import personal_data as reports
from agenciaos_jobs.trigger_dev.store import personal_data as trigger_dev

QUERIES = load(__name__)

_TIMEOUT = timedelta(hours=1).total_seconds()
_PREFETCHED_ROWS = 200
_IDS_NAMED = 5

_IN_ORDER = (
    trigger_dev.QUERIES,
    ai_content.QUERIES,
    reports.QUERIES,
    payments.QUERIES,
    engine.QUERIES,
    alerts.QUERIES,
    QUERIES,
)
"""The wings' statements. Rows that failing runs lock too come last, and so are locked for the shortest time."""


def _named(prefix: str) -> Iterator[tuple[str, str]]:
    for queries in _IN_ORDER:
        for name, statement in queries.items():
            if name.startswith(prefix):
                yield name.removeprefix(prefix), statement


_EXPORTS, _ERASURES, _RUNS = dict(_named("export_")), dict(_named("erase_")), [sql for _, sql in _named("find_runs")]

Report = Callable[[str, int], None]
"""Called after each table with the number of its rows."""


class OpenRunsError(DomainError):
    """Runs of the subject have not ended; what they write would not be erased."""

    status = 409
    text = Text(
        "Há execuções em andamento, ou que acabam de ser canceladas: espere um minuto ou cancele-as "
        "(agenciaos-jobs runs cancel ID) e tente de novo",
        "Runs are under way, or were canceled just now: wait a minute or cancel them "
        "(agenciaos-jobs runs cancel ID), and try again",
    )


class MonthBusyError(DomainError):
    """A month with runs of the subject is being pruned, which would bring back what is erased meanwhile."""

    status = 409
    text = Text(
        "A retenção está em andamento; tente de novo em alguns minutos",
        "Old runs are being pruned; try again in a few minutes",
    )


@dataclass(frozen=True)
class Subject:
    """The data subject: an agency, by its id, or a person, by e-mail address in lower case."""

    kind: Literal["agency", "email"]
    name: str

    @property
    def label(self) -> str:
        """The subject as it is recorded: an address as a digest, because the record outlives the erasure."""
        name = self.name if self.kind == "agency" else sha256(self.name.encode()).hexdigest()
        return f"{self.kind}:{name}"

    def pattern(self, users: list[str]) -> str:
        """A regular expression of Postgres for JSON and other text: the address as a word, ids as JSON strings."""
        if self.kind == "agency":
            return _json_string(self.name)
        # Without lookaround, which is ten times as slow in Postgres. A letter may belong to an escape such as \n.
        before, after = r"(^|[^a-z0-9._%+-]|\\[bfnrt])", r"($|[^a-z0-9.-]|\.($|[^a-z0-9]))"
        return "|".join([f"{before}{re.escape(self.name)}{after}", *map(_json_string, users)])


def _json_string(name: str) -> str:
    return re.escape(orjson.dumps(name).decode())


class _Request(NamedTuple):
    """The parameter of the wings' statements: the composite type ``jobs.privacy_subject``."""

    id: str
    requested_at: datetime
    label: str
    agency: str | None
    email: str | None
    pattern: str
    users: list[str]
    customers: list[str]
    runs: list[str]
    names: list[str]
    errors: list[str]


class _NothingChangedError(Exception):
    """Rolls a trial back."""


class Privacy:
    """Carries out requests. Each is one transaction, and its record commits with it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def export(
        self, subject: Subject, requested_by: str, write: Callable[[str], object], report: Report
    ) -> Mapping[str, int]:
        """Writes one JSON object, row by row, as of one moment; returns the number of rows by table."""
        held: dict[str, int] = {}
        async with (
            self._database.own_connection(_TIMEOUT) as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            await connection.execute(QUERIES["prepare"])
            request = await self._request(connection, subject)
            origin = {"requestedBy": requested_by, "exportedAt": request.requested_at.isoformat()}
            head = {"subject": {subject.kind: subject.name}, **origin}
            write(orjson.dumps(head).decode()[:-1] + ',"tables":{')
            for table, statement in _EXPORTS.items():
                write(f'{"," if held else ""}\n"{table}":[')
                held[table] = await _write_rows(connection, statement, request, write)
                write("]")
                report(table, held[table])
            write("}}\n")
            await self._record(connection, request, "export", requested_by, held)
        return held

    async def erase(
        self, subject: Subject, requested_by: str, report: Report, *, is_trial: bool = False
    ) -> Mapping[str, int]:
        """Erases; returns the number of changed rows by table. A trial does the same, and then rolls it back.

        Raises :class:`OpenRunsError` or :class:`MonthBusyError`. Idempotent.
        """
        held: dict[str, int] = {}
        async with self._database.own_connection(_TIMEOUT) as connection:
            request = await self._request(connection, subject)
            months = [record["month"] for record in await connection.fetch(engine.QUERIES["months"], request.runs)]
            try:
                async with retention.months_claimed(self._database, months, request.requested_at):
                    with suppress(_NothingChangedError):
                        async with connection.transaction():
                            await self._erase(connection, request, held, report)
                            if is_trial:
                                raise _NothingChangedError
                            await self._record(connection, request, "erase", requested_by, held)
            except retention.TableBusyError as error:
                raise MonthBusyError(error) from error
        return held

    async def _erase(self, connection: Connection, request: _Request, held: dict[str, int], report: Report) -> None:
        await connection.execute(QUERIES["prepare"])
        await connection.execute(engine.QUERIES["hold_search"])
        if still_open := await connection.fetch(engine.QUERIES["open"], request.runs, request.requested_at):
            named = ", ".join(record["id"] for record in still_open[:_IDS_NAMED])
            raise OpenRunsError(f"{named}{', …' if len(still_open) > _IDS_NAMED else ''} ({len(still_open)})")
        for table, statement in _ERASURES.items():
            outcome = await connection.execute(statement, request)
            held[table] = int(outcome.rpartition(" ")[2])
            report(table, held[table])

    async def _request(self, connection: Connection, subject: Subject) -> _Request:
        """The request, with all ids and texts by which the subject's rows are found."""
        agency, email = (subject.name, None) if subject.kind == "agency" else (None, subject.name)
        users = await _ids(connection, QUERIES["users"], email)
        customers = await _ids(connection, payments.QUERIES["customers"], email)
        now, pattern = self._clock.now(), subject.pattern(users)
        request = _Request(
            self._clock.new_id("privacy"), now, subject.label, agency, email, pattern, users, customers, [], [], []
        )
        runs = {run_id for statement in _RUNS for run_id in await _ids(connection, statement, request)}
        errors = await connection.fetch(engine.QUERIES["errors"], list(runs))
        names = [*runs, *users, *([agency] if agency else [])]
        return request._replace(runs=sorted(runs), names=names, errors=[record["message"] for record in errors])

    async def _record(
        self, connection: Connection, request: _Request, action: str, requested_by: str, held: Mapping[str, int]
    ) -> None:
        values = (request.id, action, request.label, requested_by, request.requested_at, held)
        await connection.execute(QUERIES["record"], *values)


async def _ids(connection: Connection, statement: str, wanted: object) -> list[str]:
    return [record["id"] for record in await connection.fetch(statement, wanted)]


async def _write_rows(connection: Connection, statement: str, request: _Request, write: Callable[[str], object]) -> int:
    rows = 0
    async for record in connection.cursor(statement, request, prefetch=_PREFETCHED_ROWS):
        write(f"{',' if rows else ''}\n{record[0]}")
        rows += 1
    return rows
