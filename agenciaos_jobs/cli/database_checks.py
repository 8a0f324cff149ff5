"""Findings of ``check`` about Postgres: how it is reached, what the role may do, its clock, and its partitions."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.engine.store import retention, workers
from agenciaos_jobs.foundation import agencies, migrate
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.http.client_address import UNTRUSTED_PROXY
from agenciaos_jobs.settings import Settings

_STALE = timedelta(days=2)
_CLOCK_TOLERANCE = timedelta(seconds=2)
_TIMEOUT = 3.0
_SHOWN = 3


async def of_connection(pool: Database, clock: Clock) -> AsyncIterator[Finding]:
    """The findings that need no schema."""
    yield await _notifications(pool)
    yield await _clock(pool, clock)
    yield await _time_zones(pool)


async def _notifications(pool: Database) -> Finding:
    name = "notifications"
    if not pool.is_notified:
        advice = "the live view polls twice a second; DIRECT_URL (without the pooler) would notify it"
        return Finding("ok", name, f"none through this pooler: {advice}")
    try:
        async with pool.own_connection(_TIMEOUT, listens=True):
            return Finding("ok", name, "over a connection of their own")
    except (DatabaseUnavailableError, asyncpg.PostgresError) as error:
        return Finding("warning", name, f"DIRECT_URL can't be reached ({type(error).__name__}): the live view polls")


async def _clock(pool: Database, clock: Clock) -> Finding:
    before = clock.now()
    theirs = await workers.database_time(pool)
    after = clock.now()
    ahead = theirs - (before + (after - before) / 2)
    if abs(ahead) <= _CLOCK_TOLERANCE + (after - before) / 2:
        return Finding("ok", "clock", "agrees with the database's")
    side = "behind" if ahead > timedelta() else "ahead of"
    advice = "processes follow the database's; is NTP running on both?"
    return Finding("warning", "clock", f"{abs(ahead).total_seconds():.0f} s {side} the database's: {advice}")


async def _time_zones(pool: Database) -> Finding:
    if await migrate.knows_time_zones(pool):
        return Finding("ok", "time zones", "Postgres has America/Sao_Paulo")
    return Finding("fault", "time zones", "Postgres lacks America/Sao_Paulo: install its time zone data (tzdata)")


async def of_schema(pool: Database, settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """The findings that need a current schema."""
    now = clock.now()
    yield await _privileges(pool)
    yield await _retention(pool, settings, now)
    yield await _plans(pool, settings)
    yield _client_addresses(settings, await retention.last_done(pool, UNTRUSTED_PROXY), now)
    yield await _partitions(pool, now)


async def _privileges(pool: Database) -> Finding:
    missing = [*await migrate.privileges_missing(pool), *await agencies.privileges_missing(pool)]
    if not missing:
        return Finding("ok", "privileges", "the role may do what servers and workers need")
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return Finding("fault", "privileges", f"missing: {', '.join(missing[:_SHOWN])}{more}; see docs/postgres-role.sql")


async def _plans(pool: Database, settings: Settings) -> Finding:
    shown = ", ".join(f"{plan} {limit}" for plan, limit in settings.plans.items())
    if missing := set(settings.plans) - await agencies.known_plans(pool):
        text = f'{", ".join(sorted(missing))} not in the application\'s type "Plan": add it there, or take it out here'
        return Finding("fault", "PLANS", text)
    return Finding("ok", "PLANS", f"{shown} generations a month")


async def _retention(pool: Database, settings: Settings, now: datetime) -> Finding:
    fmt = Formatter("en", now)
    kept = f"completed runs {settings.retain_completed_days} days, failed ones {settings.retain_failed_days}"
    pruned_at = await retention.last_done(pool, "prune")
    if pruned_at and now - pruned_at > _STALE:
        return Finding("warning", "retention", f"{kept}; last done {fmt.moment(pruned_at)}: is a worker running?")
    return Finding(
        "ok", "retention", f"{kept}; {f'last done {fmt.moment(pruned_at)}' if pruned_at else 'not done yet'}"
    )


def _client_addresses(settings: Settings, untrusted_proxy_at: datetime | None, now: datetime) -> Finding:
    name, unset = "client addresses", "neither TRUSTED_PROXIES nor CLIENT_IP_HEADER is set"
    if settings.client_ip_header:
        return Finding("ok", name, f"{settings.client_ip_header} is trusted: only the proxy may reach the port")
    if settings.trusted_proxies:
        entry = f"entry {settings.trusted_proxies} from the end of X-Forwarded-For is trusted"
        return Finding("ok", name, f"{entry}: only the proxy may reach the port")
    if untrusted_proxy_at and now - untrusted_proxy_at < _STALE:
        cause = "requests come through a proxy at a private address"
    elif (settings.public_url or "").startswith("https:"):
        cause = "PUBLIC_URL is https, so that a proxy must be in front"
    else:
        return Finding("ok", name, "the connection's peer; no proxy is trusted")
    return Finding("warning", name, f"{unset}, but {cause}: all clients count as one (docs/security.md)")


async def _partitions(pool: Database, now: datetime) -> Finding:
    if outside := await migrate.outside_months(pool):
        counts = ", ".join(f"{table} {count}" for table, count in outside.items())
        advice = (
            "a worker moves them within the hour, `agenciaos-jobs migrate` at once; until then they are never pruned"
        )
        return Finding("warning", "partitions", f"rows outside the monthly partitions: {counts}; {advice}")
    if missing := await migrate.months_missing(pool, now):
        advice = "a worker makes them, or `agenciaos-jobs migrate`"
        return Finding("warning", "partitions", f"missing: {', '.join(missing)}; {advice}")
    return Finding("ok", "partitions", "every row is in its month's partition, and the next month has one")
