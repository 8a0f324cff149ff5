"""The settings of reports: a part of :class:`agenciaos_jobs.settings.Settings`, which reads them."""

from decimal import Decimal
from email.headerregistry import Address
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from agenciaos_jobs.foundation import webhook_signature as signature


class ReportSettings(BaseSettings):
    """What a report holds, and to whom it is sent; ``.env.example`` describes each one."""

    report_refresh_months: int = Field(default=3, ge=0, le=24)
    report_tax_rate: Decimal | None = Field(default=None, ge=0, le=1)
    report_insights: Literal["ai"] | None = None
    usd_brl: Decimal | None = Field(default=None, gt=0)
    report_email: bool = False
    report_email_from: str | None = None
    report_emails_per_minute: int = Field(default=60, ge=1, le=10_000)
    report_webhook_url: SecretStr | None = None
    report_webhook_secret: SecretStr | None = None
    report_webhook_secret_previous: SecretStr | None = None
    report_webhook_private: bool = False

    @field_validator("report_webhook_url")
    @classmethod
    def _is_an_address_of_the_web(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("expected an address that begins with https:// or http://")
        return value

    @field_validator("report_webhook_secret", "report_webhook_secret_previous")
    @classmethod
    def _signs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signature.key_of(value.get_secret_value())
        return value

    @field_validator("report_email_from")
    @classmethod
    def _is_a_sender(cls, value: str | None) -> str | None:
        if value:
            Address(addr_spec=value)
        return value
