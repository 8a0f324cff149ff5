"""A ready message to an agency's owner about the month's AI use: always in Portuguese, to copy or to open elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from aiohttp import web

from agenciaos_jobs.ai_content.resources import MONTHLY_LIMITS
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.agencies import NEARLY, MonthlyUse
from agenciaos_jobs.dashboard.rendering import render
from agenciaos_jobs.dashboard.store import agencies
from agenciaos_jobs.dashboard.store.agencies import Agency
from agenciaos_jobs.foundation.i18n.formatting import Formatter, names
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, DATABASE
from agenciaos_jobs.http.problems import RequestError

_UPGRADE = "Se precisar de mais gerações antes disso, podemos passar sua agência para um plano maior."
_UNKNOWN = Text("Agência não encontrada", "Agency not found")


@dataclass(frozen=True)
class OwnerMessage:
    """A message; ``to`` is the owner's e-mail address, if it is known."""

    to: str | None
    subject: str
    text: str

    @property
    def mail_link(self) -> str | None:
        """Opens the message in a mail program (https://www.rfc-editor.org/rfc/rfc6068)."""
        body = self.text.replace("\n", "\r\n")
        query = urlencode({"subject": self.subject, "body": body}, quote_via=quote)
        return f"mailto:{quote(self.to, safe='@')}?{query}" if self.to else None

    @property
    def whatsapp_link(self) -> str:
        """Opens the message in WhatsApp, which asks for the recipient: https://faq.whatsapp.com/5913398998672934."""
        return f"https://wa.me/?{urlencode({'text': self.text}, quote_via=quote)}"


def owner_message(agency: Agency, use: MonthlyUse, now: datetime, *, can_upgrade: bool) -> OwnerMessage:
    """The message about an agency's use of the present month; ``can_upgrade`` if there is a plan that allows more."""
    fmt, month = Formatter("pt", now), Month.of(now)
    months = names("pt").months
    present, following = months[month.number - 1], months[month.next.number - 1]
    first_name = (agency.owner or "").partition(" ")[0]
    paragraphs = [
        f"Olá, {first_name}! Tudo bem?" if first_name else "Olá! Tudo bem?",
        _use(agency, use, present, fmt),
        _what_next(use, f"1º de {following}", fmt),
        _UPGRADE if can_upgrade and use.share >= NEARLY else "",
        "Qualquer dúvida, é só responder a esta mensagem.",
    ]
    subject = f"{agency.name}: gerações de IA de {present}"
    return OwnerMessage(agency.owner_email, subject, "\n\n".join(filter(None, paragraphs)))


def _use(agency: Agency, use: MonthlyUse, month: str, fmt: Formatter) -> str:
    own = f"sua agência, {agency.name},"
    if use.limit is None:
        return f"Passando para contar: {own} já fez {_counted(use.used, fmt)} de IA em {month}."
    counted = f"{fmt.number(use.used)} de {_counted(use.limit, fmt)} de IA de {month}"
    if use.share >= 1:
        return f"Passando para avisar: {own} usou todas as gerações do plano {agency.plan} ({counted})."
    return f"Passando para avisar: {own} usou {counted}, do plano {agency.plan}."


def _what_next(use: MonthlyUse, renewed_on: str, fmt: Formatter) -> str:
    if use.limit is None:
        return "Seu plano não tem limite mensal de gerações."
    if use.share >= 1:
        return f"Novas gerações ficam disponíveis em {renewed_on}."
    left = use.limit - use.used
    rest = f"Resta 1 geração até {renewed_on}" if left == 1 else f"Restam {fmt.number(left)} gerações até {renewed_on}"
    return f"{rest}, quando a contagem recomeça."


def _counted(generations: int, fmt: Formatter) -> str:
    return "1 geração" if generations == 1 else f"{fmt.number(generations)} gerações"


async def show_message(request: web.Request) -> web.StreamResponse:
    database, agency_id = request.app[DATABASE], request.match_info["agency_id"]
    now = request.app[CLOCK].now()
    month, limits = Month.of(now), request.app[MONTHLY_LIMITS]
    agency = await agencies.one(database, agency_id)
    if agency is None:
        raise RequestError(404, _UNKNOWN)
    use = MonthlyUse(await agencies.used(database, agency.id, month), limits.get(agency.plan))
    larger = use.limit is not None and any(limit > use.limit for limit in limits.values())
    message = owner_message(agency, use, now, can_upgrade=larger)
    return render(request, "owner_message.html", agency=agency, use=use, message=message, month=month.first_day)


PAGES = [Page("GET", "/costs/message/{agency_id}", show_message)]
