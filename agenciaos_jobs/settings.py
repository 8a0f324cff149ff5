"""The settings, and the only reader of the environment."""

import os
from collections.abc import Callable
from email.headerregistry import Address
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from agenciaos_jobs.ai_content.model_settings import ModelSettings
from agenciaos_jobs.alerts.channels import email
from agenciaos_jobs.foundation import webhook_signature as signature
from agenciaos_jobs.foundation.connections.http_url import HttpUrl, PublicUrl
from agenciaos_jobs.foundation.connections.postgres_url import DatabaseURL
from agenciaos_jobs.foundation.connections.redis_url import RedisURL
from agenciaos_jobs.foundation.connections.url import cleaned
from agenciaos_jobs.payments.policy import terms
from agenciaos_jobs.people.openid import OpenIDSettings
from agenciaos_jobs.reports.options import ReportSettings


class SettingsError(Exception):
    """A setting is missing or malformed; the message names it and the expected form."""


def _names(value: object) -> object:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


PlanProducts = Annotated[dict[str, str], BeforeValidator(terms.read_products), AfterValidator(terms.require_plans)]
_REPLACED_BY_PLANS = ("AI_MONTHLY_LIMIT_FREE", "AI_MONTHLY_LIMIT_PRO")


class Settings(ModelSettings, ReportSettings, OpenIDSettings):
    """Every setting, read from the environment and from ``.env`` in the working directory.

    ``.env.example`` describes each one.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True
    )

    database_url: SecretStr | None = None
    direct_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    redis_tls_verify: bool | Path = Field(default=True, union_mode="left_to_right")
    trigger_secret_key: SecretStr | None = Field(default=None, min_length=8)
    trigger_secret_key_previous: SecretStr | None = Field(default=None, min_length=8)
    rate_limit_key: int = Field(default=60_000, ge=0)
    rate_limit_address: int = Field(default=1_000, ge=0)
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    client_ip_header: str | None = Field(default=None, pattern="^[A-Za-z0-9-]+$")
    max_connections: int = Field(default=5_000, ge=1)
    dashboard_password: SecretStr | None = None

    plans: Annotated[dict[str, NonNegativeInt], NoDecode, BeforeValidator(terms.read_plans)] = Field(
        default={"FREE": 20, "PRO": 500}, min_length=2
    )
    dmg_webhook_secret: SecretStr | None = None
    dmg_webhook_secret_previous: SecretStr | None = None
    dmg_api_key: SecretStr | None = None
    dmg_api_url: HttpUrl = "https://digitalmanager.guru/api/v2"
    plan_products: Annotated[PlanProducts, NoDecode] = Field(default={"pro-monthly": "PRO"}, validate_default=True)
    payment_grace_days: int = Field(default=3, ge=0, le=365)
    cancel_keeps_period: bool = True
    trial_days: int = Field(default=7, ge=0, le=365)
    silence_days: int | None = Field(default=None, ge=1, le=3650)
    reconcile_apply: bool = False

    public_url: PublicUrl | None = None
    metrics_token: SecretStr | None = Field(default=None, min_length=8)
    alerts_file: Path | None = None
    smtp_url: SecretStr | None = None
    alert_email_from: str | None = None
    alert_email_to: str | None = None
    slack_webhook_url: SecretStr | None = None
    alert_webhook_url: SecretStr | None = None
    alert_webhook_secret: SecretStr | None = None
    alert_webhook_secret_previous: SecretStr | None = None
    alert_webhook_private: bool = False

    arq_producers: bool = False
    worker_max_jobs: int = Field(default=50, ge=1, le=10_000)
    jobs_modules: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()
    agency_concurrency: int = Field(default=10, ge=1)
    shutdown_delay: float = Field(default=3, ge=0)
    shutdown_grace: int = Field(default=20, ge=0)
    database_pool_size: int = Field(default=10, ge=1, le=1_000)
    body_timeout: float = Field(default=10, gt=0)
    retain_completed_days: int = Field(default=30, ge=1, le=36_500)
    retain_failed_days: int = Field(default=90, ge=1, le=36_500)
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    otel_service_name: str = Field(default="agenciaos-jobs", min_length=1)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url", "direct_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return _readable(value, DatabaseURL.read)

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _readable(value, RedisURL.read)

    @field_validator("redis_tls_verify")
    @classmethod
    def _is_file(cls, value: bool | Path) -> bool | Path:
        if isinstance(value, Path) and not value.is_file():
            raise ValueError("expected 0, 1, or the path of a file with CA certificates")
        return value

    @field_validator("slack_webhook_url", "alert_webhook_url")
    @classmethod
    def _is_http(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("expected an address that begins with https:// or http://")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            email.Server.read(value.get_secret_value())
        return value

    @field_validator(
        "openai_webhook_secret",
        "openai_webhook_secret_previous",
        "alert_webhook_secret",
        "alert_webhook_secret_previous",
    )
    @classmethod
    def _is_signing_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signature.key_of(value.get_secret_value())
        return value

    @field_validator("alert_email_from", "alert_email_to")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        for address in email.addresses(value or ""):
            Address(addr_spec=address)
        return value

    @model_validator(mode="after")
    def _one_way_to_an_address(self) -> Self:
        if self.trusted_proxies and self.client_ip_header:
            raise ValueError("set TRUSTED_PROXIES or CLIENT_IP_HEADER, not both")
        return self

    @model_validator(mode="after")
    def _silence_is_asked_about_first(self) -> Self:
        if self.silence_days is not None and self.silence_days <= self.payment_grace_days:
            raise ValueError("SILENCE_DAYS must exceed PAYMENT_GRACE_DAYS, after which the provider is asked")
        return self

    @model_validator(mode="after")
    def _channels_are_whole(self) -> Self:
        if self.smtp_url and not self.report_email and not (self.alert_email_from and self.alert_email_to):
            raise ValueError("SMTP_URL needs ALERT_EMAIL_FROM and ALERT_EMAIL_TO")
        if self.report_email and not (self.smtp_url and self.report_email_from and self.public_url):
            raise ValueError("REPORT_EMAIL needs SMTP_URL, REPORT_EMAIL_FROM and PUBLIC_URL")
        if self.report_webhook_url and not self.report_webhook_secret:
            raise ValueError("REPORT_WEBHOOK_URL needs REPORT_WEBHOOK_SECRET")
        if self.alert_webhook_url and not self.alert_webhook_secret:
            raise ValueError("ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET")
        return self

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def load(cls, *required: str) -> Self:
        """The current settings; raises :class:`SettingsError` if one is malformed or a required one is missing."""
        if replaced := [name for name in _REPLACED_BY_PLANS if os.environ.get(name)]:
            raise SettingsError(f"{', '.join(replaced)}: replaced by PLANS, such as PLANS=FREE:20,PRO:500")
        try:
            settings = cls()
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None
        settings.require(*required)
        return settings

    def require(self, *names: str) -> None:
        """Raises :class:`SettingsError` if one of these is not set."""
        missing = [name for name in names if getattr(self, name.lower()) is None]
        if missing:
            raise SettingsError("\n".join(f"{name} is not set: {PURPOSE[name]}" for name in missing))

    def values_of(self, name: str) -> list[str]:
        """A secret's value and, during a rotation, the previous one, which is accepted too."""
        both = (getattr(self, name), getattr(self, f"{name}_previous"))
        return [secret.get_secret_value() for secret in both if secret]

    @cached_property
    def secrets(self) -> list[str]:
        """Every secret value, for the log's redactor."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


PURPOSE = {
    "DATABASE_URL": "the Postgres of AgênciaOS, such as postgresql://user:password@host:5432/agenciaos",
    "REDIS_URL": "the Redis that carries run ids, such as redis://host:6379/0",
    "TRIGGER_SECRET_KEY": "the key that callers send as Authorization: Bearer …; at least 8 characters",
}


def _readable(value: SecretStr | None, read: Callable[[str], object]) -> SecretStr | None:
    """The connection string without what surrounds it; ``None`` if nothing is left."""
    text = cleaned(value.get_secret_value()) if value else ""
    if not text:
        return None
    read(text)
    return SecretStr(text)


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)
    name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
    message = str(problem["msg"]).removeprefix("Value error, ")
    where = " → ".join(str(part) for part in problem["loc"][1:])
    return f"{name} is malformed: {where + ': ' if where else ''}{message}"


def dotenv_in_use() -> Path | None:
    """The ``.env`` file in use, if there is one."""
    path = Path(".env")
    return path if path.is_file() else None
