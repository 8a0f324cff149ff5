"""A page whose session ends, or that is left: in Chromium, which must have nothing to complain about."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.chromium import Chromium, Site, needs_chromium

from agenciaos_jobs.dashboard.sessions import ACCESS, COOKIE, Access, Session
from agenciaos_jobs.http import keys

pytestmark = [pytest.mark.slow, needs_chromium]


def streams(live: Site) -> int:
    return len(live.service.app[keys.CHANGES]._subscriptions)


async def end_session(live: Site, cookie: str) -> None:
    """Logs out as another tab does."""
    access = live.service.app[ACCESS]
    session = await access.session(cookie)
    assert session
    await access.end(session.id)


async def end_streams(live: Site) -> None:
    for watch in list(live.service.app[keys.CHANGES]._subscriptions):
        watch.end()


@contextmanager
def late_answer(live: Site) -> Iterator[threading.Event]:
    """The next request is answered only once the session has ended, and before the log out is; set once it waits."""
    access = live.service.app[ACCESS]
    is_held, is_over, is_answered = threading.Event(), asyncio.Event(), asyncio.Event()

    async def session(cookie: str) -> Session | None:
        if is_held.is_set():
            return await Access.session(access, cookie)
        is_held.set()
        try:
            await is_over.wait()
            return await Access.session(access, cookie)
        finally:  # canceled too, as it is where the browser has given it up
            is_answered.set()

    async def end(session_id: str) -> bool:
        is_open = await Access.end(access, session_id)
        is_over.set()
        await is_answered.wait()
        return is_open

    access.session, access.end = session, end  # type: ignore[method-assign]
    yield is_held
    is_over.set()
    del access.session, access.end  # type: ignore[attr-defined]


def test_logging_out_gives_up_the_refresh_under_way(chromium: Chromium, live: Site):
    chromium.go("/runs")
    chromium.sees("Ao vivo")
    with late_answer(live) as is_held:
        live.trigger("echo", {})
        assert is_held.wait(10)
        chromium.click("form[action='/logout'] button")
        chromium.until(lambda: chromium.path.startswith("/login"))
    assert chromium.path == "/login"
    assert chromium.complaints() == []
    chromium.driver.delete_all_cookies()


@contextmanager
def hidden(chromium: Chromium) -> Iterator[None]:
    """Another tab is in front."""
    own = chromium.driver.current_window_handle
    chromium.driver.switch_to.new_window("tab")
    yield
    chromium.driver.close()
    chromium.driver.switch_to.window(own)


@pytest.mark.parametrize("notice", ["a change", "the end of its stream", "being looked at again"])
def test_a_page_whose_session_ended_elsewhere_goes_to_the_login(chromium: Chromium, live: Site, notice: str):
    chromium.go("/runs")
    chromium.sees("Ao vivo")
    cookie = chromium.driver.get_cookie(COOKIE)
    assert cookie
    if notice == "being looked at again":
        with hidden(chromium):
            chromium.until(lambda: streams(live) == 0)
            live.does(end_session(live, cookie["value"]))
    else:
        live.does(end_session(live, cookie["value"]))
        if notice == "a change":
            live.trigger("echo", {})
        else:
            live.does(end_streams(live))
    chromium.until(lambda: chromium.path == "/login?next=/runs")
    assert chromium.complaints() == []
    chromium.driver.delete_all_cookies()


def test_a_hidden_page_has_no_stream_and_is_live_again_once_it_is_seen(chromium: Chromium, live: Site):
    chromium.go("/runs?task=echo")
    chromium.sees("Ao vivo")
    with hidden(chromium):
        chromium.until(lambda: streams(live) == 0)
        live.does(live.service.finished(live.trigger("echo", {})))
    chromium.sees("1 nova execução")


def test_a_page_out_of_the_browser_s_cache_is_live_again(chromium: Chromium, live: Site):
    """Chromium keeps no page that must not be stored, others do; so its events are sent by hand."""
    event = "dispatchEvent(new PageTransitionEvent(arguments[0], { persisted: true }))"
    chromium.go("/runs?task=echo")
    chromium.sees("Ao vivo")
    chromium.script(event, "pagehide")
    chromium.until(lambda: streams(live) == 0)
    live.does(live.service.finished(live.trigger("echo", {})))
    assert "nova execução" not in chromium.text()
    chromium.script(event, "pageshow")
    chromium.sees("1 nova execução")


def test_a_page_that_is_not_left_after_all_is_live_again(chromium: Chromium, live: Site):
    chromium.go("/runs?task=echo")
    chromium.sees("Ao vivo")
    chromium.until(lambda: streams(live) == 1)
    chromium.script("location.assign('/reports/2026-10.csv')")  # is saved, and the page stays
    chromium.until(lambda: streams(live) == 0)
    live.does(live.service.finished(live.trigger("echo", {})))
    chromium.sees("1 nova execução", patience=15)
