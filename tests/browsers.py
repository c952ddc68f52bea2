"""A real Chromium for the tests of the page: what it shows, what its console says, what it requests."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PATIENCE_S = 90.0
MEANT_MS = 4000
"""How long a button that asks waits for the second click (confirming.js)."""
FIRST_MS = 5000
"""How long a page waits for a stream to begin (events.js)."""

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)

REFUSAL = 'new Response("{}", { status: 503 })'
FAR_OFF = 'new Response("{}", { status: 429, headers: { "Retry-After": "120" } })'
BROKEN_OFF = """new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("lost")) }),
                             { headers: { "Content-Type": "image/png" } })"""


def require_browser() -> None:
    """Skip if there is no Chromium; fail in CI, which must install it."""
    if CHROMIUM and DRIVER:
        return
    reason = "there is no chromium and chromedriver here (Debian: chromium, chromium-driver)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Browser:
    """One window on one gateway."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        """Go to a page of the gateway."""
        self.driver.get(self.url + path)

    def find(self, selector: str) -> WebElement:
        """The first element that matches, once there is one."""
        return self.wait(lambda: self.all(selector))[0]

    def all(self, selector: str) -> list[WebElement]:
        """Every element that matches."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of an element as it is shown."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def figures(self) -> dict[str, str]:
        """The figures of queue and workers that are shown, by their words."""
        facts = self.run(
            "return [...document.querySelectorAll('#state .fact')].map((each) => each.innerText)"
        )
        return {words: figure for figure, words in (fact.split("\n") for fact in facts)}

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def asks_before_leaving(self) -> bool:
        """Whether a person who leaves the page would be asked whether to."""
        leave = 'return !dispatchEvent(new Event("beforeunload", { cancelable: true }))'
        return bool(self.run(leave))

    def wait(self, condition: Any, seconds: float = PATIENCE_S) -> Any:
        """What `condition()` returns once that is true; what it looks at may be drawn anew meanwhile."""
        redrawn = [StaleElementReferenceException]
        return WebDriverWait(self.driver, seconds, 0.05, redrawn).until(lambda _: condition())

    @contextmanager
    def beginning_with(self, script: str) -> Iterator[None]:
        """Have pages opened meanwhile run `script` before their own."""
        added = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)

    @contextmanager
    def refused(
        self, path: str, times: int = 1, *, after_ms: int = 0, answer: str = REFUSAL
    ) -> Iterator[None]:
        """Have the first `times` calls that contain `path` answered so, of pages opened meanwhile."""
        script = f"""{{
          const ask = window.fetch.bind(window);
          let left = {times};
          const refuse = (done) => setTimeout(() => done({answer}), {after_ms});
          window.fetch = (address, options) =>
            address.includes("{path}") && left-- > 0 ? new Promise(refuse) : ask(address, options);
        }}"""
        with self.beginning_with(script):
            yield

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Have timers of a second or more run five times as fast on pages opened meanwhile."""
        script = """{
          const later = window.setTimeout.bind(window);
          window.setTimeout = (call, ms, ...rest) => later(call, ms < 1000 ? ms : ms / 5, ...rest);
        }"""
        with self.beginning_with(script):
            yield

    @contextmanager
    def held_timers(self, ms: int) -> Iterator[None]:
        """Have timers of `ms` that the open page starts meanwhile, of which there must be one, end with
        the block and not before."""
        hold = """
          const [later, held, calls] = [window.setTimeout, arguments[0], []];
          window.setTimeout = (call, ms, ...rest) =>
            ms === held ? -calls.push(call) : later.call(window, call, ms, ...rest);
          window.letGo = () => {
            window.setTimeout = later;
            calls.forEach((call) => call());
            return calls.length;
          };
        """
        self.run(hold, ms)
        yield
        assert self.run("return window.letGo()"), f"the page started no timer of {ms} ms"

    def resize(self, width: int, height: int) -> None:
        """Have the page this large, as on a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def hide(self, hidden: bool) -> None:
        """Have the page think that its tab is in the background; a headless browser shows them all."""
        script = """
          Object.defineProperty(document, "hidden", { value: arguments[0], configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        """
        self.run(script, hidden)

    def colours(self, scheme: str) -> None:
        """Have the system prefer `light` or `dark`, and no motion, so that changes show at once."""
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, path: Path) -> None:
        """Write what is on the screen to a file."""
        path.write_bytes(self.driver.get_screenshot_as_png())

    def serious_faults(self) -> list[tuple[str, list[str]]]:
        """The serious faults that axe finds on the page: the rule, and where it is broken."""
        self.run((files("axe_playwright_python") / "axe.min.js").read_text())
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        assert len(found["passes"]) > 20
        return [
            (fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last time."""
        return [each["message"] for each in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def asked(self) -> list[str]:
        """Addresses that were asked for since the last time."""
        return [each["request"]["url"] for each in self._happened("Network.requestWillBeSent")]

    def answered(self) -> list[tuple[str, int]]:
        """Addresses that answered since the last time, with the status of each answer."""
        answers = [each["response"] for each in self._happened("Network.responseReceived")]
        return [(each["url"], each["status"]) for each in answers]

    def gave_up(self) -> bool:
        """Whether the page ended a call, since the last time, before it was answered."""
        return any(each.get("canceled") for each in self._happened("Network.loadingFailed"))

    def _happened(self, method: str) -> list[dict[str, Any]]:
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [each["params"] for each in messages if each["method"] == method]

    def strangers(self) -> list[str]:
        """Addresses of other hosts that were asked for since the last time."""
        own = urlsplit(self.url).netloc
        return [
            url
            for url in self.asked()
            if urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != own
        ]


@contextmanager
def running_browser(url: str, downloads: Path) -> Iterator[Browser]:
    """A headless Chromium with a profile of its own, which saves downloads in `downloads`."""
    assert CHROMIUM
    options = Options()
    options.binary_location = CHROMIUM
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options, Service(DRIVER))
    try:
        yield Browser(driver, url)
    finally:
        driver.quit()
