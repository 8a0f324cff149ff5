"""``python -m bench.pictures``: draws the pictures of the READMEs, from Chromium over a month of runs."""

import asyncio
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import asyncpg
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.dev import embedded, stack
from agenciaos_jobs.settings import Settings
from bench.__main__ import prepare
from bench.dashboard import fill

IMAGES = Path(__file__).parent.parent / "docs" / "images"
RUNS = 4_000
PASSWORD = "a picture's"
WIDTH, HEIGHT = 1280, 900
AD = {
    "agencyId": "agency-123",
    "agentType": "META_ADS_COPY",
    "input": AGENTS["META_ADS_COPY"].example_input,
}


async def generated(service: stack.Stack) -> str:
    """The id of a run that has written an ad."""
    headers = {"Authorization": f"Bearer {service.key}"}
    async with aiohttp.ClientSession(service.url, headers=headers) as http, asyncio.timeout(60):
        async with http.post("/api/trigger", json={"type": "ai-content", "payload": AD}) as response:
            run_id = str((await response.json())["jobId"])
        while True:
            async with http.get(f"/api/v3/runs/{run_id}") as response:
                if (await response.json())["isCompleted"]:
                    return run_id
            await asyncio.sleep(0.2)


async def named(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(Path(__file__).with_suffix(".sql").read_text(), timeout=300)
    await connection.close()


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": "pt-BR"})
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return driver


def draw(driver: webdriver.Chrome, url: str, name: str, theme: str = "light") -> None:
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(url)
    WebDriverWait(driver, 20).until(lambda page: page.execute_script("return document.fonts.status") == "loaded")
    path = IMAGES / f"{name}.png"
    driver.save_screenshot(str(path))
    if pngquant := shutil.which("pngquant"):  # a third of the size
        subprocess.run([pngquant, "--force", "--output", path, path], check=True)
    print(f"docs/images/{name}.png")


def main() -> None:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        raise SystemExit("the pictures need Chromium: apt-get install chromium chromium-driver")
    with ExitStack() as opened:
        holder = tempfile.TemporaryDirectory(prefix="pictures-", ignore_cleanup_errors=True)
        directory = Path(opened.enter_context(holder))
        directory.chmod(0o755)
        environment = opened.enter_context(stack.backing(directory, Settings(_env_file=None), print))
        asyncio.run(prepare(environment["DATABASE_URL"]))
        asyncio.run(fill(environment["DATABASE_URL"], RUNS))
        asyncio.run(named(environment["DATABASE_URL"]))
        environment |= {"TRIGGER_SECRET_KEY": "tr_pictures", "DASHBOARD_PASSWORD": PASSWORD, "LOG_LEVEL": "warning"}
        service = opened.enter_context(stack.service(environment, embedded.free_port(), None))
        run_id = asyncio.run(generated(service))
        driver = browser()
        opened.callback(driver.quit)
        driver.get(f"{service.url}/login")
        driver.find_element(By.CSS_SELECTOR, "#password").send_keys(PASSWORD)
        driver.find_element(By.CSS_SELECTOR, "main .button.primary").click()
        WebDriverWait(driver, 20).until(lambda page: page.current_url == f"{service.url}/")
        draw(driver, f"{service.url}/", "overview")
        draw(driver, f"{service.url}/runs/{run_id}", "run")
        draw(driver, f"{service.url}/runs", "runs", "dark")
        draw(driver, f"{service.url}/workbench/runs/{run_id}", "workbench")


if __name__ == "__main__":
    main()
