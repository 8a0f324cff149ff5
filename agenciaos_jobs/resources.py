"""What the wings' jobs use, opened from the settings: the model, payment providers, documents and channels."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.openai.request import Options
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.alerts.channels import email, slack, webhook
from agenciaos_jobs.alerts.message import Channel
from agenciaos_jobs.engine.pacing.pacer import Pacer
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.provider import Provider
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store.generation import Rates
from agenciaos_jobs.settings import Settings


def ai_content(settings: Settings, clock: Clock, stack: AsyncExitStack, alerts: AlertBuffer, pacer: Pacer) -> AIContent:
    model = model_of(settings, clock)
    stack.push_async_callback(model.close)
    return AIContent(model, pacer, timedelta(minutes=settings.ai_wait_limit), settings.plans, alerts)


def payments(settings: Settings, clock: Clock, stack: AsyncExitStack, pacer: Pacer) -> Payments:
    providers: dict[str, Provider] = {}
    for provider in PROVIDERS:
        providers[provider.name] = provider(settings, clock)
        stack.push_async_callback(providers[provider.name].close)
    return Payments(terms_of(settings), providers, pacer, settings.reconcile_apply)


def terms_of(settings: Settings) -> Terms:
    """The business rules of plans."""
    silence = settings.silence_days
    return Terms(
        plans=tuple(settings.plans),
        products=settings.plan_products,
        grace=timedelta(days=settings.payment_grace_days),
        cancel_keeps_period=settings.cancel_keeps_period,
        trial=timedelta(days=settings.trial_days),
        silence=timedelta(days=silence) if silence is not None else None,
    )


def reports(settings: Settings, clock: Clock) -> Reports:
    mailer = channel = None
    if settings.report_email and settings.smtp_url:
        mailer = email.Mailer(email.Server.read(settings.smtp_url.get_secret_value()))
    if settings.report_webhook_url:
        address, secrets = settings.report_webhook_url.get_secret_value(), settings.values_of("report_webhook_secret")
        private = settings.report_webhook_private
        channel = webhook.SignedWebhook(address, secrets, clock, private=private, setting="REPORT_WEBHOOK_PRIVATE")
    return Reports(
        refresh_months=settings.report_refresh_months,
        rates=Rates(settings.usd_brl, settings.report_tax_rate),
        public_url=settings.public_url,
        mailer=mailer,
        sender=settings.report_email_from or "",
        emails_per_minute=settings.report_emails_per_minute,
        webhook=channel,
        keys=settings.values_of("trigger_secret_key"),
        insights=settings.report_insights == "ai",
    )


def model_of(settings: Settings, clock: Clock) -> OpenAIModel:
    """The configured model; makes no request yet."""
    return OpenAIModel(
        clock,
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        options=Options(
            model=settings.openai_model,
            long_model=settings.openai_model_long,
            reasoning_effort=settings.openai_reasoning_effort,
            verbosity=settings.openai_verbosity,
            service_tier=settings.openai_service_tier,
        ),
        organization=settings.openai_org_id,
        project=settings.openai_project_id,
        in_background=settings.openai_background,
        has_completion_webhook=settings.openai_webhook_secret is not None,
    )


def open_channels(settings: Settings, clock: Clock) -> Mapping[str, Channel]:
    """The configured channels, by name."""
    channels: dict[str, Channel] = {}
    if settings.smtp_url and settings.alert_email_from and settings.alert_email_to:
        server = email.Server.read(settings.smtp_url.get_secret_value())
        recipients = email.addresses(settings.alert_email_to)
        channels["email"] = email.EmailChannel(server, settings.alert_email_from, recipients)
    if settings.slack_webhook_url:
        channels["slack"] = slack.SlackChannel(settings.slack_webhook_url.get_secret_value(), clock)
    if settings.alert_webhook_url and settings.alert_webhook_secret:
        channels["webhook"] = webhook.WebhookChannel(
            settings.alert_webhook_url.get_secret_value(),
            settings.values_of("alert_webhook_secret"),
            clock,
            private_too=settings.alert_webhook_private,
        )
    return channels
