"""Debian's Chromium, headless, and a service beside it that runs in a thread of its own."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from agenciaos_jobs.settings import Settings
from support.double import OpenAIDouble
from support.sdk import JOBS, running_with_test_jobs
from support.service import Service

T = TypeVar("T")

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
AXE = Path(__file__).parent.parent / "node" / "node_modules" / "axe-core" / "axe.min.js"

needs_chromium = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="Chromium is not installed: apt-get install chromium chromium-driver"
)
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci --prefix tests/node")


class Site:
    """A running service that tests without an event loop talk to."""

    def __init__(self, loop: asyncio.AbstractEventLoop, service: Service, model: OpenAIDouble) -> None:
        self._loop, self.service, self.model = loop, service, model
        self.url = str(service.http._base_url).rstrip("/")

    def does(self, act: Coroutine[Any, Any, T]) -> T:
        """Has the service's loop do something, and waits for it."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(30)

    def trigger(self, kind: str, payload: dict[str, Any] | None = None, **options: Any) -> str:
        if kind in JOBS:
            return self.does(self.service.start(JOBS[kind], payload, **options))
        return self.does(self.service.trigger(kind, payload, **options))


@contextmanager
def site(settings: Settings) -> Iterator[Site]:
    """Server and worker, with the test jobs besides the real ones and a model that answers examples."""
    ready: asyncio.Future[Site] = asyncio.Future(loop=(loop := asyncio.new_event_loop()))
    over = asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            double = OpenAIDouble()
            await double.start()
            stack.push_async_callback(double.stop)
            own = settings.model_copy(update={"openai_base_url": double.url})
            service = await stack.enter_async_context(running_with_test_jobs(own))
            ready.set_result(Site(loop, service, double))
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        while not ready.done():
            thread.join(0.05)
            assert thread.is_alive() or ready.done(), "the service did not start"
        yield ready.result()
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()


class Chromium:
    """One window."""

    def __init__(self, site: Site) -> None:
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": "pt-BR"})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = BROWSER or ""
        self.driver = webdriver.Chrome(options=options, service=Driver(DRIVER))
        self.site = site

    def go(self, path: str) -> None:
        self.driver.get(self.site.url + path)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.site.url)

    def leads_on(self, path: str) -> str:
        """The page that the first row of a list leads to."""
        self.go(path)
        return self.link("main [data-row] th a")

    def link(self, selector: str) -> str:
        """The page that a link leads to."""
        self.until(lambda: self.all(selector))
        address = str(self.script("return document.querySelector(arguments[0]).href", selector))
        return address.removeprefix(self.site.url)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Clicks what is there, or will be; a page that changes meanwhile is tried again."""
        self.until(lambda: self.find(selector).click() is None)

    def text(self, selector: str = "main") -> str:
        """What a reader sees there; empty while there is nothing."""
        return str(self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def press(self, keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(keys).perform()

    def until(self, condition: Callable[[], object], patience: float = 10, told: str = "") -> None:
        """Waits for a condition; elements that are exchanged meanwhile are asked again."""
        ignored = [Exception]
        WebDriverWait(self.driver, patience, 0.02, ignored).until(lambda _: condition(), told or self.text()[:1500])

    def sees(self, *words: str, patience: float = 10) -> None:
        self.until(lambda: all(word in self.text("body") for word in words), patience)

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def theme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def runs_scripts(self, does: bool) -> None:
        """Whether pages may run their scripts; those of the test itself always run."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not does})

    def tab_to(self, selector: str) -> WebElement:
        """Presses Tab until the element has the focus."""
        for _ in range(150):
            self.press(Keys.TAB)
            if self.script("return document.activeElement.matches(arguments[0])", selector):
                return self.find(":focus")
        raise AssertionError(f"Tab does not lead to {selector}")

    def complaints(self) -> list[str]:
        """What the browser has refused or failed at since it was asked last, but for forms that were refused."""
        told = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [text for text in told if "status of 422" not in text]

    def violations(self, *rules: str) -> list[str]:
        """What axe-core finds wrong with the page, by all of its rules or these."""
        self.script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const [rules, done] = arguments;"
            "const only = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};"
            "axe.run(document, only).then((result) => done(result.violations))",
            rules,
        )
        return [
            f"{fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for fault in found
            for node in fault["nodes"]
        ]

    def log_in(self) -> None:
        self.go("/login")
        self.find("#password").send_keys("correct horse")
        self.click("main .button.primary")
        self.until(lambda: self.path == "/")

    def close(self) -> None:
        self.driver.quit()
