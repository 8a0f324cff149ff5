"""Alerts in Slack, by an incoming webhook.

Documentation: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (errors),
https://docs.slack.dev/reference/block-kit/blocks (limits), https://docs.slack.dev/apis/web-api/rate-limits (429).
"""

import re
from datetime import datetime
from typing import Any

import aiohttp

from agenciaos_jobs.alerts.message import AlertMessage, ChannelError
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_HEADER = 150
_SECTION = 3_000
_FALLBACK = 3_000
_ADVICE = {
    "no_service": "the webhook was removed or never existed: make a new one and set SLACK_WEBHOOK_URL",
    "no_active_hooks": "the webhook is disabled: make a new one and set SLACK_WEBHOOK_URL",
    "channel_not_found": "its channel is gone: make a webhook for another one and set SLACK_WEBHOOK_URL",
    "channel_is_archived": "its channel is archived: unarchive it, or make a webhook for another one",
    "action_prohibited": "the workspace's administrators forbid it",
    "posting_to_general_channel_denied": "posting to #general is not allowed: choose another channel",
    "invalid_token": "the webhook was revoked: make a new one and set SLACK_WEBHOOK_URL",
    "team_disabled": "the workspace is disabled",
}


class SlackChannel:
    """Posts to the one channel that the webhook was made for."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url, self._clock = url, clock

    async def send(self, notice_id: str, message: AlertMessage) -> None:
        await self._post(payload(message))

    async def probe(self) -> str:
        """An empty message: Slack refuses it with ``no_text`` where the webhook works, and shows nothing."""
        try:
            await self._post({"text": ""})
        except ChannelError as error:
            if error.code not in {"slack_no_text", "slack_invalid_payload"}:
                raise
        return "the webhook exists"

    async def _post(self, body: Json) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as http,
                http.post(self._url, json=body, allow_redirects=False) as response,
            ):
                text = (await response.content.read(200)).decode("utf-8", "replace").strip()
                if response.status != 200:
                    raise _explained(response, text, self._clock.now())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ChannelError("slack_unreachable", type(error).__name__, is_final=False) from error


def payload(message: AlertMessage) -> Json:
    """The message in blocks, and as the text that notifications show."""
    mark = "✅" if message.is_over else "🔴"
    context = f"{escaped(message.times)} · _{escaped(message.english)}_"
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(f"{mark} {message.title}", _HEADER)}},
        _section(_text_of(message)),
        {"type": "context", "elements": [_mrkdwn(context)]},
    ]
    if message.link:
        blocks.append(_section(f"<{escaped(message.link)}|Abrir no painel>"))
    fallback = f"{message.title}: {message.what} ({message.times})"
    return {"text": _cut(escaped(fallback), _FALLBACK), "blocks": blocks}


def _text_of(message: AlertMessage) -> str:
    lines = [escaped(message.what)]
    lines += [f"• {escaped(subject)}" for subject in message.listed]
    if message.advice:
        lines += ["", f"*O que fazer:* {escaped(message.advice)}"]
    return "\n".join(lines)


def _section(text: str) -> Json:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Json:
    """Text that Slack shows as it is: ``verbatim`` keeps it from linking addresses, channels and people by itself."""
    return {"type": "mrkdwn", "text": _cut(text, _SECTION), "verbatim": True}


def escaped(text: str) -> str:
    """Slack's three control characters, as https://docs.slack.dev/messaging/formatting-message-text asks for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, limit: int) -> str:
    """At most ``limit`` UTF-16 units, the largest count Slack may use, without a cut escape at the end."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * limit:
        return text
    return re.sub(r"&[a-z]*$", "", units[: 2 * limit - 2].decode("utf-16-le", "ignore")) + "…"


def _explained(response: aiohttp.ClientResponse, text: str, now: datetime) -> ChannelError:
    status = response.status
    code = text if text.replace("_", "").isalpha() and len(text) < 50 else str(status)
    message = f"Slack answered {status} {text[:100]}"
    if status == 429:
        wait = retry_after(response.headers.get("Retry-After"), now)
        return ChannelError("slack_rate_limited", message, is_final=False, after=wait)
    advice: Any = _ADVICE.get(code)
    return ChannelError(f"slack_{code}", f"{message}: {advice}" if advice else message, is_final=status < 500)
