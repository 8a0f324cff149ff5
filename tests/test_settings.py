"""Settings, and the file that describes them."""

import re
from pathlib import Path

import pytest

from agenciaos_jobs.settings import Settings, SettingsError

ROOT = Path(__file__).parent.parent
LINE = re.compile(r"^(# )?([A-Z_]+)=(.*)$")


def test_the_example_holds_every_setting_with_a_comment_and_its_default():
    lines = (ROOT / ".env.example").read_text().splitlines()
    described = {
        match[2]: (bool(match[1]), match[3], lines[number - 1])
        for number, line in enumerate(lines)
        if (match := LINE.match(line))
    }
    assert set(described) == {name.upper() for name in Settings.model_fields}
    for name, (is_default, value, above) in described.items():
        assert above.startswith("#"), f"{name} has no comment"
        default = Settings.model_fields[name.lower()].default
        if is_default and default is not None:
            between = ":" if name == "PLANS" else "="
            pairs = [f"{key}{between}{item}" for key, item in default.items()] if isinstance(default, dict) else default
            shown = ",".join(pairs) if isinstance(pairs, list | tuple) else str(default)
            assert value == shown, name


def test_the_security_page_tells_how_each_secret_is_rotated():
    table = (ROOT / "docs" / "security.md").read_text().split("## Rotating secrets")[1].split("\n## ")[0]
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(secrets) > 10
    assert [name for name in secrets if f"`{name.upper()}`" not in table] == []


def test_the_example_itself_can_be_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(Settings.model_config, "env_file", str(ROOT / ".env.example"))
    settings = Settings.load("DATABASE_URL", "REDIS_URL")
    with pytest.raises(SettingsError, match="TRIGGER_SECRET_KEY is not set"):
        settings.require("TRIGGER_SECRET_KEY")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLANS", "FREE:-1,PRO:500"),
        ("PLANS", "FREE"),
        ("PLANS", "FREE:20,PRO"),
        ("PLANS", "FREE:20,free:30"),
        ("PLAN_PRODUCTS", "a=GOLD"),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("OPENAI_ORG_ID", "org-of ours"),
        ("OPENAI_PROJECT_ID", "proj_1\n"),
        ("OPENAI_WEBHOOK_SECRET", "whsec_!!!"),
        ("OPENAI_WEBHOOK_SECRET_PREVIOUS", "c2VncmVkbyBkZSB0ZXN0ZSBkYSBvcGVuYWk="),
        ("ALERT_WEBHOOK_SECRET_PREVIOUS", "whsec_c2hvcnQ="),
        ("ALERT_WEBHOOK_SECRET", "whsec_"),
        ("OPENAI_WEBHOOK_SECRET", "whsec_"),
        ("METRICS_TOKEN", "short"),
        ("REDIS_URL", "http://h"),
        ("TRIGGER_SECRET_KEY", "short"),
        ("LOG_LEVEL", "loud"),
        ("PLAN_PRODUCTS", "a=PRO,=FREE"),
    ],
)
def test_a_malformed_setting_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} is malformed") as caught:
        Settings.load()
    if "SECRET" in name and value != "whsec_":
        assert value not in str(caught.value).replace("shorter", "")


def test_several_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("BODY_TIMEOUT", "0")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert {line.split()[0] for line in str(caught.value).splitlines()} == {"PORT", "BODY_TIMEOUT"}


def test_silence_ends_nothing_before_the_provider_was_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SILENCE_DAYS", "3")
    with pytest.raises(SettingsError, match="SILENCE_DAYS must exceed PAYMENT_GRACE_DAYS"):
        Settings.load()
    monkeypatch.setenv("PAYMENT_GRACE_DAYS", "2")
    assert Settings.load().silence_days == 3


def test_products_are_read_as_pairs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLAN_PRODUCTS", " pro-monthly=pro , pro-yearly = PRO,")
    assert Settings.load().plan_products == {"pro-monthly": "PRO", "pro-yearly": "PRO"}


def test_a_plan_limit_of_zero_is_a_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLANS", "FREE:0,PRO:500")
    assert Settings.load().plans["FREE"] == 0


def test_plans_are_data_in_the_order_of_their_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLANS", "free:20, pro:500 ,AGENCY:2000,")
    monkeypatch.setenv("PLAN_PRODUCTS", "gold=agency")
    settings = Settings.load()
    assert list(settings.plans.items()) == [("FREE", 20), ("PRO", 500), ("AGENCY", 2000)]
    assert settings.plan_products == {"gold": "AGENCY"}


def test_a_setting_that_plans_replaced_is_not_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AI_MONTHLY_LIMIT_PRO", "900")
    with pytest.raises(SettingsError, match="AI_MONTHLY_LIMIT_PRO: replaced by PLANS"):
        Settings.load()
