"""The commands alerts list, alerts rules and alerts test."""

import json
import sys
from collections.abc import AsyncIterator

import click
from rich.table import Table

from agenciaos_jobs.alerts.alert import Alert
from agenciaos_jobs.alerts.kind import KINDS, kind_named
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.alerts.rules import AlertRulesError, load_rules
from agenciaos_jobs.alerts.store import alerts as stored
from agenciaos_jobs.alerts.store.alerts import ChannelState
from agenciaos_jobs.alerts.text import explanation, test_message
from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.cli.common import Change, CommandError, console, formatter, load_settings, print_table, with_runtime
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.terminal import language, t
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.resources import open_channels
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime

HOW = Text(
    "defina SMTP_URL, SLACK_WEBHOOK_URL ou ALERT_WEBHOOK_URL (docs/alerts.md)",
    "set SMTP_URL, SLACK_WEBHOOK_URL or ALERT_WEBHOOK_URL (docs/alerts.md)",
)


@click.group()
def alerts() -> None:
    """Alertas: lista, regras, teste dos canais / Alerts: list, rules, channel test."""


@alerts.command("list")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Só deste tipo / Of this kind only.")
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Um alerta por linha, em JSON / One alert per line, as JSON.")
def list_alerts(kind: str | None, limit: int, *, as_json: bool) -> None:
    """Os alertas mais novos e a situação dos canais / The newest alerts and the state of the channels."""

    async def fetch(runtime: Runtime) -> tuple[list[Alert], list[ChannelState]]:
        database = runtime.database
        newest = await stored.newest(database, kind=kind_named(kind) if kind else None, limit=limit)
        return newest, await stored.channel_states(database)

    found, channels = with_runtime(fetch)
    if as_json:
        for alert in found:
            click.echo(json.dumps(alert.as_json(), ensure_ascii=False, default=str))
        return
    table = Table(box=None)
    title = t("Alerta", "Alert")
    since, sent, pending = t("Desde", "Since"), t("Enviado", "Sent"), t("Pendentes", "Pending")
    for heading in (t("Último", "Last"), t("Tipo", "Kind"), title, t("Vezes", "Times"), since, sent, pending):
        table.add_column(heading, no_wrap=heading != title)
    fmt = formatter()
    for alert in found:
        sent = fmt.moment(alert.notified_at) if alert.notified_at else ""
        title, _, _ = explanation(alert, language())
        row = (fmt.moment(alert.raised_at), alert.kind, title, str(alert.raised), fmt.moment(alert.since), sent)
        table.add_row(*row, str(alert.pending or ""))
    print_table(table, t("nenhum alerta", "no alerts"))
    for channel in channels:
        click.echo(_state_in_words(channel, fmt))


def _state_in_words(channel: ChannelState, fmt: Formatter) -> str:
    if channel.is_broken and channel.last_error_at:
        return f"✘ {channel.channel}: {channel.last_error} ({fmt.moment(channel.last_error_at)})"
    assert channel.last_sent_at
    return f"✔ {channel.channel}: {t('enviou em', 'sent at')} {fmt.moment(channel.last_sent_at)}"


@alerts.command("rules")
def show_rules() -> None:
    """As regras em vigor (ALERTS_FILE) / The current rules."""
    table, fmt = Table(box=None), formatter()
    kinds, channels_of = t("Tipo", "Kind"), t("Canais", "Channels")
    limits = (t("A partir de", "From"), t("Dentro de", "Within"), t("No máximo a cada", "At most every"))
    for heading in (kinds, channels_of, *limits):
        table.add_column(heading, no_wrap=True)
    for kind, rule in load_rules(load_settings().alerts_file).items():
        channels = ", ".join(rule.channels) if rule.enabled else "—"
        table.add_row(kind, channels, str(rule.threshold), fmt.rough(rule.window), fmt.rough(rule.quiet))
    console().print(table)


@alerts.command("test")
def test_channels() -> None:
    """Envia um alerta de teste por cada canal / Sends a test on each channel.

    Código de saída 1 se algum canal não aceitou. O resultado também aparece no painel. / Exit code 1 if a channel did
    not accept it. The dashboard shows the result too.
    """
    if not with_runtime(_test, Change("alerts/test")):
        sys.exit(1)


async def _test(runtime: Runtime) -> bool:
    alerting, clock, is_fine = runtime.alerting, runtime.clock, True
    if not alerting.channels:
        how = HOW.in_language(language())
        raise CommandError(t(f"nenhum canal configurado: {how}", f"no channel is configured: {how}"))
    for name, channel in alerting.channels.items():
        now, notice_id = clock.now(), clock.new_id("notice")
        try:
            await channel.send(notice_id, test_message(now, alerting.public_url))
        except ChannelError as error:
            is_fine = False
            await stored.mark_failed(runtime.database, notice_id, name, error.message, now)
            click.echo(f"✘ {name}: {error.message}")
        else:
            await stored.mark_sent(runtime.database, notice_id, name, now)
            click.echo(f"✔ {name}: {t('enviado', 'sent')}")
    return is_fine


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """The findings of ``check`` about alerts: the rules, and whether each channel accepts a message."""
    try:
        load_rules(settings.alerts_file)
    except AlertRulesError as error:
        yield Finding("fault", Text("regras de alertas", "alert rules"), str(error))
        return
    channels = open_channels(settings, SystemClock())
    if not channels:
        text = Text(
            "nenhum canal, e portanto ninguém é avisado: {how}", "no channel, so alerts are sent to nobody: {how}"
        )
        yield Finding("warning", Text("alertas", "alerts"), text.format(how=HOW))
        return
    if not settings.public_url:
        text = Text("não definida: os alertas ficam sem links", "not set: alerts have no links to the dashboard")
        yield Finding("warning", "PUBLIC_URL", text)
    for name, channel in channels.items():
        by = Text("alertas por {name}", "alerts by {name}").format(name=name)
        try:
            yield Finding("ok", by, await channel.probe())
        except ChannelError as error:
            yield Finding("fault", by, error.message)
