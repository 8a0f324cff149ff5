"""The settings of the model and of what it may cost."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from agenciaos_jobs.foundation.connections.http_url import HttpUrl

_HEADER_VALUE = "^[!-~]+$"


class ModelSettings(BaseSettings):
    """The part of the settings that is about the model; ``.env.example`` describes each one."""

    openai_api_key: SecretStr | None = None
    openai_base_url: HttpUrl = "https://api.openai.com/v1"
    openai_org_id: str | None = Field(default=None, pattern=_HEADER_VALUE)
    openai_project_id: str | None = Field(default=None, pattern=_HEADER_VALUE)
    openai_model: str = Field(default="gpt-6-luna", min_length=1)
    openai_model_long: str | None = Field(default=None, min_length=1)
    openai_reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    openai_verbosity: Literal["low", "medium", "high"] | None = None
    openai_service_tier: Literal["auto", "default", "flex", "priority"] | None = None
    openai_background: bool = True
    agents_dir: Path | None = None
    openai_webhook_secret: SecretStr | None = None
    openai_webhook_secret_previous: SecretStr | None = None
    ai_wait_limit: float = Field(default=30, gt=0, le=1440)
    ai_budget_usd: Decimal | None = Field(default=None, gt=0)
