"""The mail with a report: HTML and text in Portuguese, the PDF attached, and one-click unsubscribing (RFC 8058)."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from agenciaos_jobs.alerts.channels.email import one_line
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.delivery import unsubscribe
from agenciaos_jobs.reports.documents.composed import Composed
from agenciaos_jobs.reports.documents.sections import View
from agenciaos_jobs.reports.resources import Reports

if TYPE_CHECKING:
    import jinja2


def mail(composed: Composed, reports: Reports, recipient: str, pdf: bytes, fmt: Formatter) -> EmailMessage:
    """The mail to one recipient."""
    report, shown = composed.report, composed.view(fmt)
    public_url = reports.public_url or ""
    link = unsubscribe.link(public_url, reports.keys, report.agency_id, recipient)
    message = EmailMessage()
    message["Subject"] = one_line(f"{report.agency_name}: relatório de {fmt.month(report.month.first_day)}")
    message["From"] = Address("AgênciaOS", addr_spec=reports.sender)
    message["To"] = Address(addr_spec=recipient)
    message["Date"] = format_datetime(fmt.now)
    message["Message-ID"] = _message_id(composed, reports.sender, recipient)
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{link}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(plain(shown, link))
    message.add_alternative(html(shown, link), subtype="html")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=composed.file_name("pdf"))
    return message


def html(shown: View, link: str) -> str:
    """The HTML part; the dashboard previews it."""
    return _template().render(report=shown, unsubscribe=link)


def plain(shown: View, link: str) -> str:
    """The text part."""
    figures = "\n".join(f"{card['label']}: {card['value']} {card['change']}".rstrip() for card in shown["cards"])
    parts = [f"{shown['agency']}\n{shown['title']}: {shown['month']}", " ".join(shown["sentences"])]
    if shown["insights"]:
        parts.append(f"{' '.join(shown['insights'])}\n({shown['insights_by']})")
    parts += [figures, "O relatório completo está no PDF em anexo.", shown["notes"][0]]
    parts.append(f"-- \nPara não receber mais estes relatórios: {link}")
    return "\n\n".join(parts) + "\n"


def _message_id(composed: Composed, sender: str, recipient: str) -> str:
    """The same for the same revision and recipient, so that mail programs show a repeated mail once."""
    report = composed.report
    name = sha256(f"{report.agency_id}\0{report.month}\0{report.revision}\0{recipient}".encode()).hexdigest()[:32]
    return f"<report-{name}@{sender.rpartition('@')[2]}>"


@cache
def _template() -> "jinja2.Template":
    import jinja2  # noqa: PLC0415 - a worker that sends no reports does without

    text = files(__package__).joinpath("mail.jinja").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(text)
