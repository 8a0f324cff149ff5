"""Sends one report to each of its recipients, once per revision.

A delivery is recorded before it is made. Where its outcome is unknown, because the worker or the connection was lost
while the server read the mail, it is not made again: a duplicate cannot be taken back, while a missing mail can be sent
again on request.
"""

from dataclasses import dataclass, field
from email.message import EmailMessage

from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.delivery.event import KIND, event, event_id
from agenciaos_jobs.reports.delivery.mail import mail
from agenciaos_jobs.reports.documents.composed import Composed
from agenciaos_jobs.reports.documents.pdf import pdf
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import deliveries
from agenciaos_jobs.reports.store.deliveries import Delivery

INTERRUPTED = "smtp_interrupted"
"""The server may have taken the mail."""

_RECIPIENT_REFUSED = "smtp_recipients_refused"


@dataclass
class Sent:
    """What became of each recipient. ``error`` is a failure that ends the attempt, or repeats it later."""

    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    error: ChannelError | None = None


async def send_mails(context: RunContext[Reports], composed: Composed, *, request: str) -> Sent:
    """Sends the mail to every active recipient. ``request``: see :class:`Delivery`."""
    report, result = composed.report, Sent()
    fmt = Formatter("pt", context.clock.now())
    known = await deliveries.recipients(context.database, report.agency_id)
    attachment = b""
    for recipient in [each.email for each in known if each.status == "active"]:
        delivery = Delivery(report.agency_id, report.month, report.revision, "email", recipient, request)
        attachment = attachment or await pdf(composed.view(fmt))
        message = mail(composed, context.uses, recipient, attachment, fmt)  # before the claim: it may fail
        if not await deliveries.begin(context.database, delivery, context.run.id, context.clock.now()):
            result.skipped.append(recipient)
            continue
        await _send_mail(context, delivery, message, result)
    return result


async def _send_mail(context: RunContext[Reports], delivery: Delivery, message: EmailMessage, result: Sent) -> None:
    database, now, recipient = context.database, context.clock.now(), delivery.recipient
    assert context.uses.mailer
    try:
        await context.uses.mailer.send(message)
    except ChannelError as error:
        if error.code == INTERRUPTED:
            await deliveries.finish(database, delivery, "sending", now, error.message)
            result.unknown.append(recipient)
        elif error.code == _RECIPIENT_REFUSED and error.is_final:
            await deliveries.finish(database, delivery, "refused", now, error.message)
            await deliveries.set_recipient(database, delivery.agency_id, recipient, "bounced", now, error.message)
            result.refused.append(recipient)
        else:
            await deliveries.finish(database, delivery, "failed", now, error.message)
            result.error = error
    else:
        await deliveries.finish(database, delivery, "sent", now)
        result.sent.append(recipient)


async def send_event(context: RunContext[Reports], composed: Composed, *, request: str) -> Sent:
    """Sends the webhook event. The receiver takes an event id once, so what is unknown is sent again."""
    report, result = composed.report, Sent()
    assert context.uses.webhook
    delivery = Delivery(report.agency_id, report.month, report.revision, "webhook", "", request)
    if not await deliveries.begin(context.database, delivery, context.run.id, context.clock.now()):
        result.skipped.append("webhook")
        return result
    data, now = event(report, context.uses.public_url), context.clock.now()
    try:
        await context.uses.webhook.post(event_id(report, request), KIND, now.isoformat(), data)
    except ChannelError as error:
        await deliveries.finish(context.database, delivery, "failed", now, error.message)
        result.error = error
    else:
        await deliveries.finish(context.database, delivery, "sent", now)
        result.sent.append("webhook")
    return result
