"""Trigger.dev's React hooks: the page of examples/react, in Chromium, from another origin than the service."""

import html
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.browser import live
from support.chromium import Chromium, Site, needs_chromium
from support.node import SCRIPTS, needs_node, run_node
from support.sdk import released

from agenciaos_jobs.ai_content.agents import AGENTS

EXAMPLE = Path(__file__).parents[2] / "examples" / "react"
ESBUILD = SCRIPTS / "node_modules" / "esbuild" / "bin" / "esbuild"

pytestmark = [pytest.mark.slow, needs_node, needs_chromium]
__all__ = ["live"]


def bundle(source: str, target: Path, *options: str) -> None:
    modules = SCRIPTS / "node_modules"
    environment = {"NODE_PATH": str(modules), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    command = [str(ESBUILD), str(EXAMPLE / source), "--bundle", f"--outfile={target}", "--jsx=automatic", *options]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of pages with the bundles, and its address, which is another origin than the service's."""
    folder = tmp_path_factory.mktemp("pages")
    bundle("app.tsx", folder / "app.js", "--external:node:http2", "--define:process.env.NODE_ENV='production'")
    bundle("tokens.ts", folder / "tokens.cjs", "--platform=node", "--format=cjs", "--alias:@trigger.dev/sdk=sdk4")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.fixture
def window(live: Site) -> Iterator[Chromium]:
    window = Chromium(live)
    yield window
    window.close()


def start(live: Site) -> tuple[str, str]:
    """A run that streams words until it is released, and a batch."""
    released.clear()
    run_id = live.trigger("words", {"until": "go"}, tags=("page",))
    item = {"task": "echo", "payload": {}}
    _, batch = live.does(live.service.post("/api/v1/tasks/batch", {"items": [item, item]}))
    return run_id, str(batch["id"])


def open_page(window: Chromium, live: Site, pages: tuple[Path, str]) -> dict[str, Any]:
    folder, origin = pages
    run_id, batch_id = start(live)
    bundled = str(folder / "tokens.cjs")
    given = live.does(run_node(live.service, "tokens.mjs", bundled, run_id, "page", batch_id, "agency-123"))
    config = html.escape(json.dumps(given | {"apiUrl": live.url}))
    place = f'<div id="app" data-config="{config}"></div>'
    (folder / "index.html").write_text(f'<!doctype html><meta charset="utf-8">{place}<script src="app.js"></script>')
    window.driver.get(f"{origin}/index.html")
    return dict(given)


def shows(window: Chromium, place: str, *words: str) -> None:
    window.until(lambda: all(word in window.text(place) for word in words), 20)


def test_a_page_follows_starts_and_approves_jobs(window: Chromium, live: Site, pages: tuple[Path, str]):
    given = open_page(window, live, pages)
    shows(window, "#run", "words EXECUTING")
    shows(window, "#words", "olá,")
    shows(window, "#runs", "EXECUTING")
    shows(window, "#batch", "COMPLETED COMPLETED")
    released.add("go")
    shows(window, "#run", "words COMPLETED")
    shows(window, "#words", "olá, mundo")
    shows(window, "#runs", "COMPLETED")
    window.click("#trigger")
    shows(window, "#triggered", "run_")
    window.click("#follow")
    shows(window, "#follow-followed", "COMPLETED", '{"text":"olá"}')
    window.click("#approve")
    token_id = given["waitToken"]["id"]

    def is_approved() -> bool:
        _, token = live.does(live.service.get(f"/api/v1/waitpoints/tokens/{token_id}"))
        return bool(token["status"] == "COMPLETED")

    window.until(is_approved)


def test_a_page_shows_a_text_while_the_model_writes_it(window: Chromium, live: Site, pages: tuple[Path, str]):
    copy = AGENTS["META_ADS_COPY"]
    whole = copy.markdown(copy.example)
    live.model.stream.holds_at(0.5)
    open_page(window, live, pages)
    released.add("go")
    window.click("#write")
    shows(window, "#written", "run_")
    shows(window, "#content", "1. ")
    half, run_id = text_of(window, "#content"), window.text("#written")
    assert whole.startswith(half)
    assert len(half) < len(whole)
    assert live.does(live.service.run(run_id))["status"] == "EXECUTING"

    async def go_on() -> None:
        live.model.stream.may_go_on.set()

    live.does(go_on())
    window.until(lambda: text_of(window, "#content") == whole, 20)
    run = live.does(live.service.finished(run_id))
    assert (run["status"], run["output"]["content"]) == ("COMPLETED", whole)


def text_of(window: Chromium, place: str) -> str:
    """The text as the page has it, with each of its line ends."""
    return str(window.script("return document.querySelector(arguments[0]).textContent", place))


def test_a_token_for_one_trigger_starts_one_and_the_page_shows_why(
    window: Chromium, live: Site, pages: tuple[Path, str]
):
    open_page(window, live, pages)
    released.add("go")
    window.click("#once")
    shows(window, "#once-followed", "COMPLETED")
    window.driver.refresh()
    window.click("#once")
    shows(window, "#once-followed", "já foi usado")


def test_a_service_that_refuses_shows_its_reason(window: Chromium, live: Site, pages: tuple[Path, str]):
    folder, origin = pages
    open_page(window, live, pages)
    released.add("go")
    page = (folder / "index.html").read_text()
    (folder / "refused.html").write_text(page.replace("run_", "run_x"))  # the other may be in the browser's cache
    window.driver.get(f"{origin}/refused.html")
    shows(window, "#run", "escopos")
