"""The ads of a ``META_ADS_COPY`` content as a CSV file for the bulk import of Meta's Ads Manager.

One line is one ad: the first headline with the first primary text and the first description, and so on. Where one list
is shorter, its last item serves again. The columns bear the names of the file that Ads Manager itself exports and
imports ("Import ads in bulk", in English, as the import expects): Title is the headline, Body the primary text. Buttons
are the values of the Marketing API's ``call_to_action``
(https://developers.facebook.com/docs/marketing-api/reference/ad-creative-link-data-call-to-action/).

Ads are paused: importing the file spends nothing. Link, page and image are left to whoever imports it.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.reports.documents.csv_sheet import is_formula

AGENT = "META_ADS_COPY"

BUTTONS = {
    "Saiba mais": "LEARN_MORE",
    "Comprar agora": "SHOP_NOW",
    "Cadastre-se": "SIGN_UP",
    "Fale conosco": "CONTACT_US",
    "Enviar mensagem": "MESSAGE_PAGE",
    "Obter oferta": "GET_OFFER",
}

COLUMNS = (
    *("Campaign Name", "Campaign Status", "Ad Set Name", "Ad Set Run Status", "Ad Name", "Ad Status", "Creative Type"),
    *("Title", "Body", "Link Description", "Call to Action", "Link"),
)

_PAUSED = "PAUSED"


def csv_of_ads(name: str, data: Json) -> bytes:
    """The file; ``name`` names the campaign, the ad set and, with a number, each ad. UTF-8, with commas."""
    titles, bodies, descriptions = (_texts(data.get(key)) for key in ("headlines", "primaryTexts", "descriptions"))
    button = BUTTONS.get(str(data.get("callToAction")), "")
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number in range(max(map(len, (titles, bodies, descriptions)))):
        texts = [_item(items, number) for items in (titles, bodies, descriptions)]
        group = (name, _PAUSED, name, _PAUSED, f"{name} {number + 1}", _PAUSED, "Link Page Post Ad")
        writer.writerow([_harmless(value) for value in (*group, *texts, button, "")])
    return file.getvalue().encode()


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _item(items: Sequence[str], number: int) -> str:
    return items[min(number, len(items) - 1)] if items else ""


def _harmless(text: str) -> str:
    """The text, with a space before what a spreadsheet would execute. An apostrophe would be published with the ad."""
    return f" {text}" if is_formula(text) else text
