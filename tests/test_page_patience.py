"""The page when answers do not come: it tries again, nothing is lost or doubled, silence is noticed."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
import redis
from selenium.webdriver.common.keys import Keys

from api.idempotency import key_digest
from model.files.images import png
from worker.ledger import keys

from browsers import FAR_OFF, FIRST_MS, MEANT_MS, REFUSAL, Browser, require_browser, running_browser
from ledgers import commit_of, finish, ledger, submit
from samples import npy_of
from services import Services, lone_gateway
from streams import open_streams
from waiting import until

MOST_BYTES = 65_536
NAME = "scan.png"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway without workers: the tests commit themselves."""
    require_browser()
    settings = {"PING_S": "1", "PREDICTION_WAIT": "0.5", "MAX_BODY_BYTES": str(MOST_BYTES)}
    settings = {f"INKQUEUE_{name}": value for name, value in settings.items()}
    with lone_gateway(tmp_path_factory.mktemp("patience"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def browser(gateway: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(gateway.url, tmp_path_factory.mktemp("downloads")) as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture
def http(gateway: Services) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=20) as client:
        yield client


@contextmanager
def gone(gateway: Services) -> Iterator[None]:
    """While the gateway is killed; it is back afterwards."""
    process = gateway.processes.pop()
    process.kill()
    process.wait()
    try:
        yield
    finally:
        gateway.wait_answering(gateway.spawn("api"))


@contextmanager
def hung(gateway: Services) -> Iterator[None]:
    """While the gateway is suspended: its connections stay open, nothing comes. Afterwards it works
    again, which takes it a second if it was just asking Redis something."""
    (process,) = gateway.processes
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
        until(lambda: httpx.get(f"{gateway.url}/v1/queue", timeout=20).is_success)


@contextmanager
def unfinished(url: str, headers: dict[str, str]) -> Iterator[None]:
    """While a submission is under way whose body does not come."""
    parts = urlsplit(url)
    lines = [f"{name}: {value}" for name, value in {"Host": parts.netloc, **headers}.items()]
    text = "\r\n".join(["POST /v1/jobs HTTP/1.1", *lines, "Content-Length: 1000", "", ""])
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(text.encode())
        yield


def show_read(browser: Browser, gateway: Services, job: str, count: int) -> None:
    """The page of a job of so many images, all read as the same; its grid has the focus."""
    submit(gateway.redis_url, job, (count,), name=NAME)
    finish(gateway.redis_url)
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.text("[data-show=all] b") == str(count))
    browser.find("#grid").send_keys(Keys.HOME)


def draw(browser: Browser) -> None:
    """A stroke on the pad."""
    browser.find("#pad").send_keys(Keys.SPACE, *[Keys.ARROW_DOWN] * 8, Keys.SPACE)


def commit_next(url: str, *, uncertain: bool = False) -> None:
    """Read one chunk."""
    worker = ledger(url)
    (claim,) = worker.claim("balanced", 1)
    worker.commit([commit_of(claim, uncertain=uncertain)])


def asked_for_events(browser: Browser, job: str) -> bool:
    """Whether a stream of a job was asked for since the last time."""
    return any(f"/{job}/events?" in url for url in browser.asked())


def listeners(browser: Browser, event: str) -> int:
    """How often the open page listens for an event of its document."""
    page = browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": "document"})
    wanted = {"objectId": page["result"]["objectId"]}
    found = browser.driver.execute_cdp_cmd("DOMDebugger.getEventListeners", wanted)["listeners"]
    return sum(each["type"] == event for each in found)


def corrections(http: httpx.Client, job: str) -> list[str | None]:
    return [item["correction"] for item in http.get(f"/v1/jobs/{job}/results").json()["data"]]


def test_what_is_corrected_while_the_gateway_restarts_is_kept(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    show_read(browser, gateway, "restarted", 10)
    with gone(gateway):
        browser.find("#grid").send_keys(*["7", Keys.ARROW_RIGHT] * 10, Keys.HOME, "8")
        browser.wait(lambda: "10 images not saved yet" in browser.text("#saving"))
        assert browser.text("[data-show=checked] b") == "10"
    browser.wait(lambda: corrections(http, "restarted") == ["8"] + ["7"] * 9)
    browser.wait(lambda: not browser.text("#saving"))
    assert browser.text("#item-0 b").endswith("8")
    assert browser.all(".notice") == []
    assert browser.text("[data-show=checked] b") == "10"


def test_what_is_given_up_is_named_and_tried_again_only_where_nothing_newer_was_said(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    show_read(browser, gateway, "given-up", 5)
    with gone(gateway):
        browser.find("#grid").send_keys(*["7", Keys.ARROW_RIGHT] * 3, "2", Keys.ARROW_RIGHT, "3")
        browser.wait(lambda: "5 images not saved yet" in browser.text("#saving"))
        browser.run("const now = performance.now(); performance.now = () => now + 90_000")  # much later
        named = "; ".join(f"{place}, {NAME} ({label})" for place, label in enumerate("77723", 1))
        browser.wait(lambda: browser.text(".notice p").endswith(f"{named}."))
        browser.wait(lambda: browser.text("[data-show=checked] b") == "0")
    browser.find("#grid").send_keys(Keys.HOME, "8")
    browser.wait(lambda: corrections(http, "given-up") == ["8", *[None] * 4])
    browser.asked()
    browser.find(".notice .row button").click()
    browser.wait(lambda: corrections(http, "given-up") == [*"87723"])
    calls = [url for url in browser.asked() if "correction" in url]
    assert [urlsplit(url).path.rpartition("/given-up/")[2] for url in calls] == [
        "corrections",  # what says the same goes in one call
        "items/3/correction",
        "items/4/correction",
    ]


def test_what_is_refused_is_undone_and_named(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    show_read(browser, gateway, "deleted", 2)
    http.delete("/v1/jobs/deleted")
    browser.find("#grid").send_keys("7", Keys.ARROW_RIGHT, "3")
    browser.wait(lambda: browser.text(".notice p").endswith(f"1, {NAME} (7); 2, {NAME} (3)."))
    assert browser.text(".notice strong") == "Not saved"
    browser.wait(lambda: browser.text("[data-show=checked] b") == "0")
    browser.wait(lambda: not browser.text("#saving"))


def test_a_key_that_is_held_corrects_one_image(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "held", (4,))
    commit_next(gateway.redis_url, uncertain=True)  # from each the next one follows
    browser.open("/jobs/held")
    browser.wait(lambda: browser.text("[data-show=all] b") == "4")
    browser.find("#grid").send_keys(Keys.HOME)
    for held in (False, True, True):
        event = {"type": "keyDown", "key": "7", "text": "7", "autoRepeat": held}
        browser.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)
    browser.find("#grid").send_keys(Keys.END, "8")
    browser.wait(lambda: corrections(http, "held") == ["7", None, None, "8"])


def test_a_group_stays_as_it_was_seen_while_more_images_are_read(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "growing", (3, 2), name=NAME)
    commit_next(gateway.redis_url)
    browser.open("/jobs/growing")
    browser.wait(lambda: browser.text("[data-show=all] b") == "3")
    browser.find("#group").click()
    commit_next(gateway.redis_url)
    browser.wait(lambda: browser.text("[data-show=all] b") == "5")
    browser.wait(lambda: browser.find("#group-more").is_displayed())
    assert len(browser.all(".cell")) == 3
    browser.find("#group-right").click()
    browser.wait(lambda: browser.text("[data-show=checked] b") == "3")
    confirmed = [True] * 3 + [False] * 2
    browser.wait(lambda: [bool(each) for each in corrections(http, "growing")] == confirmed)
    browser.find("#group").click()
    browser.wait(lambda: len(browser.all(".cell")) == 5)


def test_what_was_marked_but_never_read_leaves_the_image_in_focus_as_it_is(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "half-read", (2, 2))
    commit_next(gateway.redis_url)
    http.post("/v1/jobs/half-read/cancel")
    browser.open("/jobs/half-read")
    browser.wait(lambda: browser.text("[data-show=all] b") == "4")
    browser.find("#group").click()
    browser.find(".chip[aria-pressed=true]").click()  # the whole job as a group
    browser.wait(lambda: len(browser.all(".cell")) == 4)
    for index in (2, 3):
        browser.find(f"#item-{index}").click()
    browser.find("#grid").send_keys(Keys.HOME, "7")
    browser.wait(lambda: browser.text("#announcement").startswith("What is marked was not read"))
    assert browser.text("[data-show=checked] b") == "0"
    browser.find("#item-0").click()
    browser.find("#grid").send_keys("8")
    browser.wait(lambda: corrections(http, "half-read") == ["8", None, None, None])


def test_what_could_not_be_confirmed_is_not_offered_to_be_taken_back(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    show_read(browser, gateway, "unconfirmed", 3)
    browser.find("#group").click()
    button = browser.find("#group-right")
    with gone(gateway):
        button.click()
        browser.wait(lambda: "3 images not saved yet" in browser.text("#saving"))
        assert button.text == "Take that back"
        browser.run("const now = performance.now(); performance.now = () => now + 90_000")  # much later
        browser.wait(lambda: browser.text(".notice strong") == "Not saved")
        browser.wait(lambda: button.text == "The others are right")
    button.click()
    browser.wait(lambda: all(corrections(http, "unconfirmed")))
    browser.wait(lambda: button.text == "Take that back")


def test_images_come_though_they_were_refused_when_the_job_ended(
    browser: Browser, gateway: Services
) -> None:
    submit(gateway.redis_url, "ended", (3, 2))
    commit_next(gateway.redis_url)
    with browser.refused("/results?", after_ms=1000):
        browser.open("/jobs/ended")
        finish(gateway.redis_url)
        browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
        browser.wait(lambda: browser.text("[data-show=all] b") == "5")
    assert browser.all(".notice") == []


@pytest.mark.parametrize("path", ["/results?", "/image"])
def test_images_come_though_a_connection_died_without_a_word(
    browser: Browser, gateway: Services, http: httpx.Client, path: str
) -> None:
    pixels, headers = npy_of(np.zeros((2, 28, 28), np.uint8)), {"Content-Type": "application/x-npy"}
    job = http.post("/v1/jobs?keep_images=true", content=pixels, headers=headers).json()["id"]
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.text("#progress-text").startswith("Waiting"))
    browser.run(
        """
      const [{ timeout }, later] = [AbortSignal, window.setTimeout];
      AbortSignal.timeout = () => timeout.call(AbortSignal, 500);
      window.setTimeout = (call, ms) => later(call, Math.min(ms, 500));
      const [ask, path] = [window.fetch, arguments[0]];
      window.fetch = (address, options) => {
        if (!address.includes(path)) return ask(address, options);
        window.fetch = ask;
        return new Promise((_, fail) => options.signal?.addEventListener("abort", fail));
      };
    """,
        path,
    )
    finish(gateway.redis_url)
    browser.wait(lambda: len(browser.all(".cell img[src]")) == 2)
    assert browser.all(".notice") == []


def test_a_picture_may_take_long_but_not_fall_silent(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    pixels, headers = npy_of(np.zeros((2, 28, 28), np.uint8)), {"Content-Type": "application/x-npy"}
    job = http.post("/v1/jobs?keep_images=true", content=pixels, headers=headers).json()["id"]
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.text("#progress-text").startswith("Waiting"))
    browser.run("""
      const [{ timeout }, later, ask] = [AbortSignal, window.setTimeout, window.fetch];
      AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 60);
      window.setTimeout = (call, ms) => later(call, ms > 20_000 ? ms / 60 : ms);
      let silent = 1;
      window.fetch = async (address, options) => {
        const answer = await ask(address, options);
        if (!address.includes("/image")) return answer;
        const [data, isSilent] = [new Uint8Array(await answer.arrayBuffer()), silent-- > 0];
        let at = 0;
        const pull = async (body) => {
          await new Promise((done) => later(done, 250));
          if (options.signal?.aborted) body.error(options.signal.reason);
          else if (at >= data.length) body.close();
          else if (!isSilent || !at) body.enqueue(data.slice(at, (at += Math.ceil(data.length / 8))));
        };
        return new Response(new ReadableStream({ pull }), { headers: answer.headers });
      };
    """)
    finish(gateway.redis_url)
    browser.wait(lambda: len(browser.all(".cell img[src]")) == 2)


def test_images_come_though_each_page_of_them_is_refused_once_over_minutes(
    browser: Browser, gateway: Services
) -> None:
    submit(gateway.redis_url, "slow", (1000, 1000, 500))
    finish(gateway.redis_url)
    later = f"(performance.now = (at => () => at + 40_000)(performance.now()), {REFUSAL})"
    with ExitStack() as refused:
        for cursor in (0, 1000, 2000):
            refused.enter_context(browser.refused(f"cursor={cursor}", answer=later))
        browser.open("/jobs/slow")
        browser.wait(lambda: browser.text("[data-show=all] b") == "2,500")
    assert browser.all(".notice") == []


def test_a_job_is_shown_though_it_was_refused_at_first(browser: Browser, gateway: Services) -> None:
    submit(gateway.redis_url, "refused", (2,))
    finish(gateway.redis_url)
    with browser.refused("/v1/jobs/refused", 2):
        browser.open("/jobs/refused")
        browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    assert browser.all(".notice") == []


def test_who_would_wait_too_long_is_told_at_once(browser: Browser, gateway: Services) -> None:
    submit(gateway.redis_url, "far-off", (2,))
    finish(gateway.redis_url)
    with browser.refused("/v1/jobs/far-off", answer=FAR_OFF):
        browser.open("/jobs/far-off")
        browser.wait(lambda: browser.text(".notice p") == "Try again in 120 s.", 30)
    browser.find(".notice .row button").click()
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_a_job_is_followed_on_though_its_gateway_was_killed(browser: Browser, gateway: Services) -> None:
    submit(gateway.redis_url, "orphaned", (2,))
    browser.open("/jobs/orphaned")
    browser.wait(lambda: asked_for_events(browser, "orphaned"))
    with gone(gateway):
        pass
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_what_was_never_read_is_not_offered_to_be_corrected(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "halted", (2,))
    http.post("/v1/jobs/halted/cancel")
    browser.open("/jobs/halted")
    browser.wait(lambda: browser.text("[data-show=all] b") == "2")
    browser.find("#grid").send_keys("7")
    browser.wait(lambda: browser.text("#announcement").startswith("It was not read"))
    assert not browser.find(".palette").is_displayed()
    assert corrections(http, "halted") == [None, None]


def test_the_end_of_a_job_is_said(browser: Browser, gateway: Services) -> None:
    submit(gateway.redis_url, "awaited", (2,))
    browser.open("/jobs/awaited")
    browser.wait(lambda: browser.text("#progress-text").startswith("Waiting"))
    assert browser.run("return document.getElementById('announcement').textContent") == ""
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#announcement") == "done: 2 of 2 images read")


def test_a_page_that_nobody_sees_gives_up_its_stream_and_follows_on(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "unseen", (2,))
    with browser.hurried():
        browser.open("/jobs/unseen")
    browser.wait(lambda: open_streams(http) == 1)
    browser.hide(True)
    browser.wait(lambda: open_streams(http) == 0)
    browser.hide(False)
    browser.wait(lambda: open_streams(http) == 1)
    browser.hide(True)
    browser.wait(lambda: open_streams(http) == 0)
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_a_page_looks_out_for_being_hidden_only_while_it_has_a_stream(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "looking", (2,))
    with browser.refused("/looking/events"):
        browser.open("/jobs/looking")
        browser.wait(lambda: open_streams(http) == 1)
    assert listeners(browser, "visibilitychange") == 1
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    browser.wait(lambda: listeners(browser, "visibilitychange") == 0)


def test_a_job_is_followed_on_though_redis_was_away_for_a_while(
    browser: Browser, gateway: Services
) -> None:
    submit(gateway.redis_url, "away", (2,))
    with browser.hurried():
        browser.open("/jobs/away")
    browser.wait(lambda: asked_for_events(browser, "away"))
    with redis.Redis.from_url(gateway.redis_url) as client:
        server = psutil.Process(client.info()["process_id"])  # type: ignore[index]
    server.suspend()
    try:
        browser.wait(
            lambda: any("/away/events" in url and code == 503 for url, code in browser.answered())
        )
    finally:
        server.resume()
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_a_stream_that_falls_silent_is_left_for_another(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "silent", (1, 1))
    browser.open("/jobs/silent")
    browser.wait(lambda: asked_for_events(browser, "silent"))
    commit_next(gateway.redis_url)
    browser.wait(lambda: "1 of 2 images read" in browser.text("#progress-text"))
    with hung(gateway):
        browser.wait(lambda: asked_for_events(browser, "silent"))
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


@pytest.mark.parametrize(("job", "silent", "after_ms"), [("buffered", 1, 10**8), ("mute", 4, 0)])
def test_a_job_whose_streams_do_not_come_is_asked_for_instead_for_a_while(
    browser: Browser, gateway: Services, http: httpx.Client, job: str, silent: int, after_ms: int
) -> None:
    submit(gateway.redis_url, job, (2,))
    asked: list[str] = []

    def polled() -> bool:
        asked.extend(browser.asked())
        return sum(url.endswith(f"/v1/jobs/{job}") for url in asked) > 2

    with browser.hurried(), browser.refused(f"/{job}/events", silent, after_ms=after_ms):
        browser.open(f"/jobs/{job}")
        browser.wait(polled)
    assert not any(f"/{job}/events" in url for url in asked)
    browser.run("const now = performance.now(); performance.now = () => now + 90_000")  # much later
    browser.wait(lambda: open_streams(http) == 1)
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_a_download_that_is_refused_says_why(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    browser.open("/jobs/none")
    browser.wait(lambda: browser.text("#title") == "Not found")
    assert not browser.find("#downloads").is_displayed()
    show_read(browser, gateway, "removed", 1)
    http.delete("/v1/jobs/removed")
    browser.find("#downloads summary").click()
    browser.find("[data-format=csv]").click()
    browser.wait(lambda: browser.text(".notice p").startswith("You have no job with this id."))


def test_a_stream_that_once_begins_too_late_is_asked_for_again(
    browser: Browser, gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "late", (2,))
    browser.open("/jobs/late")
    browser.wait(lambda: open_streams(http) == 1)
    browser.wait(lambda: browser.text("#progress-text").startswith("Waiting"))
    browser.hide(True)
    browser.wait(lambda: open_streams(http) == 0)
    browser.run("""
      const ask = window.fetch;
      window.fetch = (address, options) => {
        if (!address.includes("/late/events")) return ask(address, options);
        window.fetch = ask;
        return new Promise(() => (window.isLate = true));
      };
    """)
    with browser.held_timers(FIRST_MS):
        browser.hide(False)
        browser.wait(lambda: browser.run("return window.isLate"))
    browser.wait(lambda: open_streams(http) == 1)
    finish(gateway.redis_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))


def test_a_drawing_that_is_cleared_is_waited_for_no_more(browser: Browser, gateway: Services) -> None:
    browser.open("/")
    draw(browser)
    browser.wait(lambda: browser.text("#pad-readings") == "Waiting for a worker…")
    browser.wait(lambda: any("?wait=30" in url for url in browser.asked()))
    browser.find("#pad-clear").click()
    browser.wait(browser.gave_up, 20)
    finish(gateway.redis_url)
    assert browser.text("#pad-readings") == "Its likeliest readings appear here."


def test_of_a_drawing_that_was_cleared_no_failure_is_said(browser: Browser, gateway: Services) -> None:
    browser.open("/")
    gateway.processes[0].send_signal(signal.SIGSTOP)
    draw(browser)
    browser.wait(lambda: any("/v1/predictions" in url for url in browser.asked()))
    browser.find("#pad-clear").click()
    with gone(gateway):
        pass
    assert browser.all(".notice") == []


def test_what_waits_is_shown_as_it_is(browser: Browser, gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "waiting", (40, 2))
    desired = http.get("/v1/queue").json()["desired_workers"]
    browser.open("/")
    browser.wait(lambda: browser.text("#service-text") == "No worker")
    shown = browser.figures()
    assert not browser.all("[role=status] #service-text")  # it changes often, and would be read aloud
    assert shown["workers are alive"] == "0"
    assert shown["images are waiting"] == "42"
    assert shown[f"worker{'s' * (desired != 1)} would do for this load"] == str(desired)
    (words,) = [words for words in shown if words.startswith("waiting for")]
    assert re.fullmatch(
        r"waiting for balanced: (not being read|\d+ images/s), the oldest for \d+ s", words
    )
    assert shown[words] == "42"
    commit_next(gateway.redis_url)
    browser.wait(lambda: browser.figures()["images are waiting"] == "2")
    finish(gateway.redis_url)


def test_what_stays_in_the_list_keeps_its_focus_and_its_question(
    browser: Browser, gateway: Services
) -> None:
    submit(gateway.redis_url, "listed", (1,))
    finish(gateway.redis_url)
    submit(gateway.redis_url, "moving", (1, 1))
    browser.open("/")
    cancel = browser.find("button[aria-label='Cancel moving']")
    browser.run("arguments[0].focus()", cancel)
    commit_next(gateway.redis_url)
    browser.wait(lambda: "being read: 50 %" in browser.text("#jobs"))
    assert browser.driver.switch_to.active_element == cancel
    button = browser.find("button[aria-label='Delete listed']")
    word = button.text
    with browser.held_timers(MEANT_MS):
        button.click()
        browser.asked()
        browser.wait(lambda: any("/v1/jobs?" in url for url in browser.asked()))
        submit(gateway.redis_url, "newer", (1,))
        browser.find("button[aria-label='Cancel newer']")
        assert button.text == "Really?"
        assert browser.driver.switch_to.active_element == button
    assert button.text == word  # the question ends with its time
    finish(gateway.redis_url)


def test_a_gateway_that_hangs_is_not_said_to_be_ready(browser: Browser, gateway: Services) -> None:
    browser.open("/")
    browser.run(
        "const { timeout } = AbortSignal; AbortSignal.timeout = () => timeout.call(AbortSignal, 500)"
    )
    with hung(gateway):
        browser.wait(lambda: browser.text("#banner").startswith("The service does not answer."))


def test_what_is_too_large_is_said_before_it_is_sent(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "large.zip").write_bytes(bytes(MOST_BYTES + 1000))
    browser.open("/")
    browser.find("#files").send_keys(str(tmp_path / "large.zip"))
    browser.asked()
    browser.find("#send").click()
    assert "are 67 kB; the service takes up to 66 kB" in browser.find(".notice p").text
    assert browser.find("#send").is_enabled()
    assert not [url for url in browser.asked() if "/v1/jobs?model" in url]


def test_a_job_whose_answer_was_lost_is_not_doubled_by_trying_again(
    browser: Browser, gateway: Services, http: httpx.Client, tmp_path: Path
) -> None:
    browser.open("/")
    browser.run("let n = 6; crypto.getRandomValues = (bytes) => bytes.fill(++n)")  # each key is known
    (tmp_path / "seven.npy").write_bytes(npy_of(np.zeros((2, 28, 28), np.uint8)))
    browser.find("#files").send_keys(str(tmp_path / "seven.npy"))
    headers = {"Idempotency-Key": "07" * 16, "Content-Type": "image/png"}
    lock = keys.lock("anonymous", str(key_digest(headers["Idempotency-Key"])))
    with redis.Redis.from_url(gateway.redis_url) as client:
        with unfinished(gateway.url, headers):
            browser.wait(lambda: client.exists(lock))
            browser.find("#send").click()
            assert browser.find(".notice strong").text == "The same request is in progress"
            assert not browser.find("#model").is_enabled()  # it is sent again as it was
        browser.wait(lambda: not client.exists(lock))
    browser.find(".notice .row button").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    other = http.post("/v1/jobs", headers=headers, content=png(np.zeros((28, 28), np.uint8)))
    assert other.json()["type"] == "/problems/idempotency-mismatch"
