"""The page where things are not well: a key is wanted, no worker is alive, the gateway is gone."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from model.drawn import draw
from model.files.images import png

from browsers import FIRST_MS, Browser, require_browser, running_browser
from jobs import posted
from samples import zip_of
from services import Services, lone_gateway, new_key

COUNT = 20
UNKNOWN_KEY = 'new Response("{}", { status: 401 })'


KEY, LINE = new_key()
NARROW_KEY, NARROW_LINE = new_key(scopes=frozenset({"submit", "read"}))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway that wants a key and allows one stream; there is no worker."""
    require_browser()
    settings = {"INKQUEUE_API_KEYS": f"{LINE}\n{NARROW_LINE}", "INKQUEUE_MAX_STREAMS": "1"}
    with lone_gateway(tmp_path_factory.mktemp("guarded"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def window(guarded: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(guarded.url, tmp_path_factory.mktemp("downloads")) as browser:
        browser.resize(1280, 900)
        with browser.hurried():
            yield browser


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """A window that knows no key."""
    yield window
    window.run("sessionStorage.clear()")
    window.complaints()


@pytest.fixture
def http(guarded: Services) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=guarded.url, headers=headers, timeout=60) as client:
        yield client


def submit(http: httpx.Client, rng: np.random.Generator) -> str:
    """A job of one image."""
    return posted(http, png(draw("7", rng)), "image/png")


def enter(browser: Browser, key: str) -> None:
    """Give the page a key."""
    browser.wait(lambda: browser.find("#key").is_displayed())
    browser.find("#key-input").send_keys(key)
    browser.find("#key .primary").click()


def test_without_a_place_for_its_stream_a_page_polls(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    job = submit(http, rng)
    with http.stream("GET", f"/v1/jobs/{job}/events"):
        browser.open(f"/jobs/{job}")
        enter(browser, KEY)
        browser.wait(lambda: browser.text("#progress-text").startswith("Waiting"))
        browser.wait(lambda: any("429" in line for line in browser.complaints()))
        http.post(f"/v1/jobs/{job}/cancel")
        browser.wait(lambda: browser.text("#progress-text").startswith("Canceled"))


def test_who_is_slow_to_give_another_key_has_a_stream_all_the_same(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    job = submit(http, rng)
    with browser.refused(f"/{job}/events", answer=UNKNOWN_KEY):
        browser.open(f"/jobs/{job}")
        browser.wait(lambda: browser.find("#key").is_displayed())
        with browser.held_timers(FIRST_MS):
            enter(browser, KEY)
            browser.wait(lambda: "does not know that key" in browser.text("#key-why"))
        browser.asked()
        enter(browser, KEY)
        browser.wait(lambda: any(f"/{job}/events" in url for url in browser.asked()))
    http.post(f"/v1/jobs/{job}/cancel")
    browser.wait(lambda: browser.text("#progress-text").startswith("Canceled"))


def test_a_job_is_canceled_from_its_page_or_from_the_list(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    first, second = submit(http, rng), submit(http, rng)
    browser.open(f"/jobs/{first}")
    enter(browser, KEY)
    browser.wait(lambda: browser.find("#cancel").is_displayed())
    browser.find("#cancel").click()
    browser.wait(lambda: browser.text("#progress-text").startswith("Canceled"))
    browser.open("/")
    browser.find(f"button[aria-label='Cancel {second}']").click()
    browser.find(f"button[aria-label='Delete {second}']")
    assert http.get(f"/v1/jobs/{second}").json()["state"] == "canceled"


def test_who_closes_the_question_for_a_key_is_asked_again(browser: Browser) -> None:
    browser.open("/")
    browser.wait(lambda: browser.find("#key").is_displayed())
    browser.find("#key-input").send_keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.find("#key").is_displayed())
    browser.find("#key-button").click()
    enter(browser, f"{KEY}\u200b")
    browser.wait(lambda: not browser.find("#key").is_displayed())


def test_who_was_refused_once_may_look_at_the_question_again_and_leave_it(browser: Browser) -> None:
    browser.open("/")
    enter(browser, "wrong")
    browser.wait(lambda: "does not know that key" in browser.text("#key-why"))
    enter(browser, KEY)
    browser.wait(lambda: not browser.find("#key").is_displayed())
    browser.find("#key-button").click()
    browser.wait(lambda: browser.text("#key-why").startswith("This service requires an API key."))
    browser.find("#key-later").click()
    assert not browser.find("#key").is_displayed()


def test_what_waits_for_the_key_is_sent_though_the_question_was_closed(
    browser: Browser, tmp_path: Path, rng: np.random.Generator
) -> None:
    (tmp_path / "seven.png").write_bytes(png(draw("7", rng)))
    browser.open("/")
    browser.wait(lambda: browser.find("#key").is_displayed())
    browser.find("#key-later").click()
    browser.find("#files").send_keys(str(tmp_path / "seven.png"))
    browser.find("#send").click()
    browser.wait(lambda: browser.find("#key").is_displayed())
    browser.find("#key-later").click()
    browser.run("""
      addEventListener("beforeunload", ({ defaultPrevented: asks }) => {
        if (asks) sessionStorage.setItem("asked whether to leave", "yes");
      });
    """)
    browser.find("#key-button").click()
    enter(browser, KEY)
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    assert browser.run("return sessionStorage.getItem('asked whether to leave')") is None


def test_who_gives_another_key_unasked_sees_the_page_anew_and_who_does_not_keeps_it(
    browser: Browser,
) -> None:
    browser.open("/")
    enter(browser, KEY)
    browser.run("window.stays = true")
    browser.find("#key-button").click()
    browser.find("#key-later").click()
    browser.run("sessionStorage.setItem('inkqueue-key', 'wrong')")
    browser.wait(lambda: "does not know that key" in browser.text("#key-why"))  # of the queue
    enter(browser, KEY)
    browser.answered()
    browser.wait(lambda: any("/v1/queue" in url and code == 200 for url, code in browser.answered()))
    assert browser.run("return window.stays")
    browser.find("#key-button").click()
    enter(browser, KEY)
    browser.wait(lambda: not browser.run("return window.stays"))


def test_a_refusal_of_the_key_before_does_not_ask_for_another(browser: Browser) -> None:
    browser.open("/")
    browser.wait(lambda: browser.find("#key").is_displayed())
    browser.run("""
      const ask = window.fetch;
      window.fetch = (address, options) => {
        if (!address.startsWith("/v1/jobs?")) return ask(address, options);
        window.fetch = ask;
        return new Promise((done) => (window.refuse = () => done(new Response("{}", { status: 401 }))));
      };
    """)
    enter(browser, "wrong")
    browser.wait(lambda: "does not know that key" in browser.text("#key-why"))
    enter(browser, KEY)
    browser.run("window.refuse()")
    browser.wait(lambda: browser.all("#jobs li") or browser.find("#jobs-none").is_displayed())
    assert not browser.find("#key").is_displayed()


def test_a_key_that_may_not_see_the_queue_is_told_of_the_workers_all_the_same(
    guarded: Services, browser: Browser
) -> None:
    browser.open("/")
    enter(browser, NARROW_KEY)
    browser.wait(lambda: browser.text("#banner").startswith("No worker is alive."))
    worker = guarded.spawn("worker")
    browser.wait(lambda: browser.text("#service-text") == "1 worker ready")
    assert browser.figures() == {"worker is alive": "1"}
    browser.run("sessionStorage.clear()")
    enter(browser, KEY)
    browser.wait(lambda: browser.figures().get("images are waiting") == "0")
    worker.kill()
    worker.wait()
    guarded.processes.remove(worker)


def test_a_download_that_is_being_made_is_not_made_twice(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    browser.open(f"/jobs/{submit(http, rng)}")
    enter(browser, KEY)
    browser.wait(lambda: browser.text("#progress-text"))
    browser.run("""
      const ask = window.fetch;
      window.downloads = [];
      window.fetch = (address, options) => address.includes("format=csv")
        ? new Promise((done) => window.downloads.push(() => done(new Response("index"))))
        : ask(address, options);
    """)
    browser.find("#downloads summary").click()
    link = browser.find("[data-format=csv]")
    link.click()
    browser.wait(lambda: browser.run("return window.downloads.length"))
    browser.wait(lambda: browser.find("#fetching").is_displayed())
    link.click()
    assert link.get_attribute("aria-busy") == "true"
    browser.run("window.downloads.forEach((done) => done())")
    browser.wait(lambda: link.get_attribute("aria-busy") is None)
    assert browser.run("return window.downloads.length") == 1


def test_a_download_that_falls_silent_is_given_up(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    browser.open(f"/jobs/{submit(http, rng)}")
    enter(browser, KEY)
    browser.wait(lambda: browser.text("#progress-text"))
    browser.run("""
      const [later, ask] = [window.setTimeout, window.fetch];
      window.setTimeout = (call, ms) => later(call, ms > 20_000 ? ms / 60 : ms);
      window.fetch = (address, options) => {
        if (!address.includes("format=csv")) return ask(address, options);
        options.signal.onabort = () => (window.left = true);
        const start = (body) => body.enqueue(new TextEncoder().encode("index"));
        return Promise.resolve(new Response(new ReadableStream({ start })));
      };
    """)
    browser.find("#downloads summary").click()
    browser.find("[data-format=csv]").click()
    browser.wait(lambda: "The service does not answer" in browser.text("#notices"))
    assert browser.run("return window.left")


def test_what_waits_for_a_key_asks_for_it_again_at_each_click(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    browser.open(f"/jobs/{submit(http, rng)}")
    enter(browser, KEY)
    browser.wait(lambda: browser.text("#progress-text"))
    browser.run("sessionStorage.clear()")
    for _ in range(3):  # once, the state of the queue may ask
        browser.run("document.getElementById('cancel').click()")
        browser.wait(lambda: browser.find("#key").is_displayed())
        browser.find("#key-later").click()
    browser.run("document.getElementById('cancel').click()")
    enter(browser, KEY)
    browser.wait(lambda: browser.text("#progress-text").startswith("Canceled"))


def test_an_unknown_job_is_said_to_be_none(browser: Browser) -> None:
    browser.open("/jobs/none")
    enter(browser, KEY)
    assert browser.find(".notice strong").text == "Not found"
    assert browser.text(".notice p") == "You have no job with this id."
    assert browser.text("#title") == "Not found"


def test_a_job_outlives_a_wrong_key_no_worker_and_a_killed_gateway(
    guarded: Services, browser: Browser, tmp_path: Path, rng: np.random.Generator
) -> None:
    browser.open("/")
    browser.wait(lambda: browser.find("#key").is_displayed())
    assert not [line for line in browser.complaints() if "401" in line]  # it asks before it is refused
    enter(browser, "ink_12345678_" + "x" * 43)
    browser.wait(lambda: "does not know that key" in browser.text("#key-why"))
    enter(browser, KEY)
    browser.wait(lambda: browser.all("#jobs li") or browser.find("#jobs-none").is_displayed())
    browser.wait(lambda: browser.text("#banner").startswith("No worker is alive."))

    scans = tmp_path / "scans.zip"
    scans.write_bytes(zip_of({f"{n}.png": png(draw(str(n % 10), rng)) for n in range(COUNT)}))
    browser.find("#files").send_keys(str(scans))
    browser.find("#send").click()
    browser.wait(lambda: browser.text("#progress-text") == f"Waiting: 0 of {COUNT} images read")

    gateway = guarded.processes.pop()
    gateway.kill()
    gateway.wait()
    browser.wait(lambda: browser.text("#banner").startswith("The service does not answer."))
    guarded.wait_answering(guarded.spawn("api"))
    browser.wait(lambda: browser.text("#banner").startswith("No worker is alive."))
    worker = guarded.spawn("worker")
    browser.wait(lambda: browser.text("#progress-text") == f"Done: {COUNT} of {COUNT} images read")
    browser.wait(lambda: len(browser.all(".cell img[src]")) == COUNT)
    browser.wait(lambda: not browser.find("#banner").is_displayed())

    job = browser.driver.current_url.split("/")[-1]
    browser.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    browser.find("#downloads summary").click()
    browser.find("[data-format=csv]").click()
    browser.wait(lambda: (tmp_path / f"{job}.csv").exists())
    asked = browser.asked()
    assert any(url.endswith(f"/{job}/events?results=false") for url in asked)
    assert all(url.startswith((guarded.url, f"blob:{guarded.url}")) for url in asked)
    worker.kill()
    worker.wait()


def test_the_reference_is_tried_with_a_key(browser: Browser) -> None:
    browser.open("/docs")
    browser.find(".scheme-container .authorize").click()
    browser.find("#auth-bearer-value").send_keys(KEY, Keys.ENTER)
    browser.find(".btn-done").click()
    listing = "[id*=list_models]"
    for button in (".opblock-summary-control", ".try-out__btn", ".execute"):
        browser.find(f"{listing} {button}").click()
    browser.wait(lambda: browser.text(f"{listing} .live-responses-table tbody").startswith("200"))
