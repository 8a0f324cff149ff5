"""Findings of ``check`` about Postgres: how it is reached, what the role may do, its clock, and its partitions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.engine.store import retention, watchers, workers
from agenciaos_jobs.foundation import agencies, migrate
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.loops import wait_for
from agenciaos_jobs.http.client_address import UNTRUSTED_PROXY
from agenciaos_jobs.settings import Settings

PRIVILEGES = Text("privilégios", "privileges")

_STALE = timedelta(days=2)
_CLOCK_TOLERANCE = timedelta(seconds=2)
_TIMEOUT = 3.0
_NOTIFIED_WITHIN = timedelta(seconds=2)
_SHOWN = 3


async def of_connection(pool: Database, clock: Clock) -> AsyncIterator[Finding]:
    """The findings that need no schema."""
    yield await _notifications(pool, clock)
    yield await _clock(pool, clock)
    yield await _time_zones(pool)


async def _notifications(pool: Database, clock: Clock) -> Finding:
    """Whether a notification that is sent over the pool arrives at the connection that listens."""
    name = Text("notificações", "notifications")
    if not pool.is_notified:
        text = Text(
            "nenhuma passa por este pooler: a página ao vivo consulta duas vezes por segundo; DIRECT_URL (sem o pooler)"
            " a avisaria",
            "none through this pooler: the live view polls twice a second; DIRECT_URL (without the pooler) would"
            " notify it",
        )
        return Finding("ok", name, text)
    arrived, channel = asyncio.Event(), clock.new_id("check")
    try:
        async with pool.own_connection(_TIMEOUT, listens=True) as connection:
            await connection.add_listener(channel, lambda *_: arrived.set())
            await watchers.notify(pool, channel)
            if await wait_for(arrived, _NOTIFIED_WITHIN):
                return Finding("ok", name, Text("chegam por uma conexão própria", "arrive over their own connection"))
        text = Text(
            "nenhuma chega por DIRECT_URL, que passa por um pooler ou aponta para outro banco: a página ao vivo"
            " consulta duas vezes por segundo",
            "none arrives over DIRECT_URL, which leads through a pooler or to another database: the live view polls"
            " twice a second",
        )
        return Finding("warning", name, text)
    except (DatabaseUnavailableError, asyncpg.PostgresError) as error:
        text = Text(
            "DIRECT_URL não responde ({error}): a página ao vivo consulta em intervalos",
            "DIRECT_URL can't be reached ({error}): the live view polls",
        )
        return Finding("warning", name, text.format(error=type(error).__name__))


async def _clock(pool: Database, clock: Clock) -> Finding:
    name, before = Text("relógio", "clock"), clock.now()
    theirs = await workers.database_time(pool)
    after = clock.now()
    ahead = theirs - (before + (after - before) / 2)
    if abs(ahead) <= _CLOCK_TOLERANCE + (after - before) / 2:
        return Finding("ok", name, Text("de acordo com o do banco", "agrees with the database's"))
    side = Text("atrasado", "behind") if ahead > timedelta() else Text("adiantado", "ahead of")
    text = Text(
        "{seconds} s {side} em relação ao do banco, que os processos seguem; o NTP está ativo nos dois?",
        "{seconds} s {side} the database's, which processes follow; is NTP running on both?",
    )
    return Finding("warning", name, text.format(seconds=round(abs(ahead).total_seconds()), side=side))


async def _time_zones(pool: Database) -> Finding:
    name = Text("fusos horários", "time zones")
    if await migrate.knows_time_zones(pool):
        return Finding("ok", name, Text("o Postgres conhece America/Sao_Paulo", "Postgres has America/Sao_Paulo"))
    text = Text(
        "o Postgres não conhece America/Sao_Paulo: instale os fusos horários (tzdata)",
        "Postgres lacks America/Sao_Paulo: install its time zone data (tzdata)",
    )
    return Finding("fault", name, text)


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
        text = Text("o role pode o que servidores e workers precisam", "the role may do what servers and workers need")
        return Finding("ok", PRIVILEGES, text)
    more = Text(" e mais {count}", " and {count} more").format(count=len(missing) - _SHOWN)
    text = Text(
        "faltam: {names}{more}; veja docs/postgres-role.sql", "missing: {names}{more}; see docs/postgres-role.sql"
    )
    rest = more if len(missing) > _SHOWN else ""
    return Finding("fault", PRIVILEGES, text.format(names=", ".join(missing[:_SHOWN]), more=rest))


async def _plans(pool: Database, settings: Settings) -> Finding:
    shown = ", ".join(f"{plan} {limit}" for plan, limit in settings.plans.items())
    if missing := set(settings.plans) - await agencies.known_plans(pool):
        text = f'{", ".join(sorted(missing))} not in the application\'s type "Plan": add it there, or take it out here'
        return Finding("fault", "PLANS", text)
    return Finding("ok", "PLANS", f"{shown} generations a month")


async def _retention(pool: Database, settings: Settings, now: datetime) -> Finding:
    kept = Text(
        "execuções concluídas por {completed} dias, as com falha por {failed}",
        "completed runs {completed} days, failed ones {failed}",
    ).format(completed=settings.retain_completed_days, failed=settings.retain_failed_days)
    name, pruned_at = Text("retenção", "retention"), await retention.last_done(pool, "prune")
    if pruned_at is None:
        text = Text("{kept}; ainda não foi feita", "{kept}; not done yet")
        return Finding("ok", name, text.format(kept=kept))
    at = Text(Formatter("pt", now).moment(pruned_at), Formatter("en", now).moment(pruned_at))
    done = Text("{kept}; a última em {at}", "{kept}; last done {at}").format(kept=kept, at=at)
    if now - pruned_at > _STALE:
        text = Text("{done}: há um worker ativo?", "{done}: is a worker running?")
        return Finding("warning", name, text.format(done=done))
    return Finding("ok", name, done)


def _client_addresses(settings: Settings, untrusted_proxy_at: datetime | None, now: datetime) -> Finding:
    name = Text("endereços dos clientes", "client addresses")
    if settings.client_ip_header:
        text = Text(
            "vale o de {header}: só o proxy pode alcançar a porta",
            "{header} is trusted: only the proxy may reach the port",
        )
        return Finding("ok", name, text.format(header=settings.client_ip_header))
    if settings.trusted_proxies:
        text = Text(
            "vale a {entry}ª entrada do fim de X-Forwarded-For: só o proxy pode alcançar a porta",
            "entry {entry} from the end of X-Forwarded-For is trusted: only the proxy may reach the port",
        )
        return Finding("ok", name, text.format(entry=settings.trusted_proxies))
    if untrusted_proxy_at and now - untrusted_proxy_at < _STALE:
        cause = Text(
            "as requisições chegam por um proxy num endereço privado",
            "requests come through a proxy at a private address",
        )
    elif (settings.public_url or "").startswith("https:"):
        cause = Text(
            "PUBLIC_URL é https, e portanto há um proxy na frente",
            "PUBLIC_URL is https, so that a proxy must be in front",
        )
    else:
        text = Text("o da conexão; nenhum proxy é de confiança", "the connection's peer; no proxy is trusted")
        return Finding("ok", name, text)
    text = Text(
        "nem TRUSTED_PROXIES nem CLIENT_IP_HEADER está definido, mas {cause}: todos os clientes contam como um só"
        " (docs/security.md)",
        "neither TRUSTED_PROXIES nor CLIENT_IP_HEADER is set, but {cause}: all clients count as one (docs/security.md)",
    )
    return Finding("warning", name, text.format(cause=cause))


async def _partitions(pool: Database, now: datetime) -> Finding:
    name = Text("partições", "partitions")
    if outside := await migrate.outside_months(pool):
        text = Text(
            "linhas fora das partições mensais: {counts}; um worker as move em até uma hora, `agenciaos-jobs migrate`"
            " na hora; até lá nunca são apagadas",
            "rows outside the monthly partitions: {counts}; a worker moves them within the hour, `agenciaos-jobs"
            " migrate` at once; until then they are never pruned",
        )
        counts = ", ".join(f"{table} {count}" for table, count in outside.items())
        return Finding("warning", name, text.format(counts=counts))
    if missing := await migrate.months_missing(pool, now):
        text = Text(
            "faltam: {months}; um worker as cria, ou `agenciaos-jobs migrate`",
            "missing: {months}; a worker makes them, or `agenciaos-jobs migrate`",
        )
        return Finding("warning", name, text.format(months=", ".join(missing)))
    text = Text(
        "cada linha está na partição do seu mês, e o próximo mês já tem a sua",
        "every row is in its month's partition, and the next month has one",
    )
    return Finding("ok", name, text)
