"""Every page with long names and big sums, from a phone to a wide screen: nothing is cut off, covered or left out."""

import pytest
from support.chromium import Chromium, Site, needs_chromium
from support.fitting import LONG, lengthen, misfits
from support.tour import every_page

pytestmark = [pytest.mark.slow, needs_chromium]

WIDTHS = (360, 768, 1024, 1440)


@pytest.fixture(scope="module")
def long_words(live: Site) -> None:
    lengthen(live, "long_words")
    unknown = {"month": "2026-10", "agencyId": f"agency-{LONG}"}
    paid = {
        "event": "e",
        "customerId": "agency-124",
        "productId": "pro-monthly",
        "amount": 98765432.1,
        "status": "paid",
    }
    bought = paid | {"productId": f"plano-{LONG}"}
    for run_id in (
        live.trigger("payment-webhook", paid),
        live.trigger("payment-webhook", bought),
        live.trigger("monthly-report", unknown, tags=[LONG, f"{LONG}-2", f"{LONG}-3"]),
        live.trigger("echo", {LONG: [LONG * 5]}, tags=[LONG]),
    ):
        live.does(live.service.finished(run_id))


def test_every_page_fits_at_every_width(chromium: Chromium, live: Site, long_words: None, story: dict[str, str]):
    lengthen(live, "long_results")
    found = {}
    for name, visit in every_page(live, story).items():
        visit(chromium)
        if misfit := [fault for width in WIDTHS for fault in misfits(chromium, width)]:
            found[name] = misfit
        chromium.size(1280, 900)
    assert [text for text in chromium.complaints() if "404" not in text] == []
    assert found == {}
