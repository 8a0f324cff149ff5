"""agenciaos-jobs alerts, and what check says of the channels."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.alerting import raised
from support.channels import every_channel, mail, trusted
from support.commands import cli, english
from support.service import Service

from agenciaos_jobs.alerts.store import alerts as stored
from agenciaos_jobs.cli import alerts
from agenciaos_jobs.http import keys
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED
from agenciaos_jobs.settings import Settings, SettingsError
from agenciaos_jobs.wiring import open_runtime

__all__ = ["trusted"]


def with_channels(settings: Settings, **changes: Any) -> Settings:
    return Settings.model_validate(settings.model_dump() | changes)


async def found(settings: Settings) -> dict[str, tuple[str, str]]:
    return english([finding async for finding in alerts.findings(settings)])


@pytest.mark.usefixtures("trusted")
async def test_a_test_goes_to_every_channel_and_says_what_happened(settings: Settings, capsys: Any):
    async with every_channel() as (channels, mailbox, slack, receiver):
        settings, port = with_channels(settings, **channels), int(channels["smtp_url"].rpartition(":")[2])
        async with open_runtime(settings) as runtime:
            assert await alerts._test(runtime)
            said = [line for line in capsys.readouterr().out.split("\n") if not line.startswith("{")]
            assert said[:3] == [f"✔ {name}: enviado" for name in ("email", "slack", "webhook")]
            assert "Teste dos alertas" in mailbox.mails[0]["Subject"]
            assert (len(slack.bodies), b"alert.test" in receiver.bodies[0]) == (1, True)
            fine = await found(settings)
            assert {state for state, _ in fine.values()} == {"ok"}
            assert fine["alerts by email"][1].startswith(f"localhost:{port} accepts the login")
            assert (len(mailbox.mails), len(receiver.bodies)) == (1, 1), "check sent something"

        wrong = with_channels(settings, **mail(port, "errada"))
        async with open_runtime(wrong) as runtime:
            slack.answers(404, "no_service")
            assert not await alerts._test(runtime)
            said = capsys.readouterr().out
            assert "✘ slack: Slack answered 404 no_service: the webhook was removed" in said
            assert "✘ email: the server refused user or password" in said
            states = {item.channel: item.is_broken for item in await stored.channel_states(runtime.database)}
            assert states == {"email": True, "slack": True, "webhook": False}
        for status, text in ((410, "channel_is_archived"), (429, "rate_limited")):
            slack.answers(status, text)
            faults = await found(wrong)
            assert (faults["alerts by slack"][0], f"{status} {text}" in faults["alerts by slack"][1]) == ("fault", True)
            assert faults["alerts by email"][0] == "fault"


async def test_alerts_are_listed_and_the_rules_in_force_shown(
    service: Service, env: dict[str, str], tmp_path: Path, db: asyncpg.Connection
):
    service.app[keys.ALERTS].record(PAYMENT_UNMATCHED, subject="evt_1", reason="x")
    await raised(db, PAYMENT_UNMATCHED)
    await stored.mark_failed(service.app[keys.DATABASE], None, "slack", "404", service.app[keys.CLOCK].now())
    code, text = await cli("alerts", "list", env=env, cwd=tmp_path)
    assert (code, "evt_1" in text, "✘ slack: 404" in text) == (0, True, True)
    own = tmp_path / "alerts.toml"
    own.write_text('[wrong_token]\nquiet = "3h"\n')
    code, text = await cli("alerts", "rules", env=env | {"ALERTS_FILE": str(own)}, cwd=tmp_path)
    line = next(line for line in text.splitlines() if line.lstrip().startswith("wrong_token"))
    assert line.split() == ["wrong_token", "email,", "slack,", "webhook", "20", "10", "min", "3", "h"]


async def test_where_no_channel_is_set_the_test_and_check_say_so(env: dict[str, str], tmp_path: Path):
    code, text = await cli("alerts", "test", env=env, cwd=tmp_path)
    assert (code, "no channel is configured: set SMTP_URL" in text) == (1, True)
    state, said = (await found(Settings()))["alerts"]
    assert (state, "sent to nobody" in said) == ("warning", True)
    own = tmp_path / "alerts.toml"
    own.write_text("[nothing]\n")
    state, said = (await found(Settings(alerts_file=own)))["alert rules"]
    assert (state, "unknown alert nothing" in said) == ("fault", True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"SMTP_URL": "smtp://h"}, "SMTP_URL needs ALERT_EMAIL_FROM and ALERT_EMAIL_TO"),
        ({"SMTP_URL": "mailto:h"}, "SMTP_URL is malformed: .*expected smtp://"),
        ({"ALERT_WEBHOOK_URL": "https://h"}, "ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET"),
        ({"ALERT_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "ALERT_WEBHOOK_SECRET is malformed: .*24 to 64 bytes"),
        ({"ALERT_EMAIL_TO": "a@b.br, no one"}, "ALERT_EMAIL_TO is malformed"),
        ({"SLACK_WEBHOOK_URL": "hooks.slack.com"}, "SLACK_WEBHOOK_URL is malformed"),
        ({"AI_BUDGET_USD": "0"}, "AI_BUDGET_USD is malformed"),
    ],
)
def test_a_channel_that_is_half_set_stops_the_start(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=told):
        Settings.load()
