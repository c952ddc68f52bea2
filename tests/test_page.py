"""The real page in a real Chromium: upload, watch, look, correct, take along, draw."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from model.card import read_cards
from model.drawn import STROKES, draw
from model.files.images import png
from training.sets.readers import read

from browsers import BROKEN_OFF, FAR_OFF, MEANT_MS, REFUSAL, Browser
from jobs import finished
from samples import npy_of, tiff_of, zip_of

pytestmark = pytest.mark.usefixtures("quiet")

LABELS = "".join(STROKES)
BALANCED = read_cards()["balanced"].labels
DRAWN = 200
LOSE_RETRY = """
const ask = window.fetch;
window.fetch = async (...all) => {
  const answer = await ask(...all);
  if (!all[0].endsWith("/retry")) return answer;
  window.fetch = ask;
  throw new TypeError("lost");
};
"""


@dataclass(frozen=True)
class Sent:
    """A job that was sent by the page, and the address of its page."""

    id: str
    page: str


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ZIP of 200 drawn characters, one of them damaged."""
    rng = np.random.default_rng(3)
    drawn = {f"form/{n:03}-{LABELS[n % 47]}.png": png(draw(LABELS[n % 47], rng)) for n in range(DRAWN)}
    drawn["form/010-A.png"] = b"not an image"
    path = tmp_path_factory.mktemp("scans") / "scans.zip"
    path.write_bytes(zip_of(drawn))
    return path


@pytest.fixture(scope="module")
def sent(browser: Browser, scans: Path) -> Sent:
    """The ZIP, sent by the page and read to its end."""
    browser.open("/upload")
    browser.find("#files").send_keys(str(scans))
    assert browser.text("#tray-names") == "scans.zip"
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    page = browser.driver.current_url.removeprefix(browser.url)
    return Sent(page.split("/")[-1], page)


def show(browser: Browser, sent: Sent) -> None:
    """The page of a job with everything of it."""
    browser.open(sent.page)
    browser.wait(lambda: browser.text("[data-show=all] b") == str(DRAWN))
    browser.wait(lambda: browser.all(".cell img[src]"))


def results(http: httpx.Client, sent: Sent) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = http.get(f"/v1/jobs/{sent.id}/results").json()["data"]
    return items


def press(browser: Browser, *keys: str) -> None:
    """Keys on whatever has the focus."""
    ActionChains(browser.driver).send_keys(*keys).perform()


def fail(http: httpx.Client) -> str:
    """A job whose only image is damaged."""
    damaged = png(np.zeros((28, 28), np.uint8))[:40]
    return finished(http, damaged, "image/png", keep_images=True)


def layouts(browser: Browser) -> int:
    """How often the browser has laid out the page."""
    browser.driver.execute_cdp_cmd("Performance.enable", {})
    metrics = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    (count,) = [each["value"] for each in metrics if each["name"] == "LayoutCount"]
    return int(count)


def active(browser: Browser) -> int:
    """The index of the image in focus."""
    return int(browser.find("#grid").get_attribute("aria-activedescendant").split("-")[1])


def test_a_zip_is_sent_read_and_seen(browser: Browser, sent: Sent, http: httpx.Client) -> None:
    show(browser, sent)
    assert browser.text("#title") == "scans.zip"
    assert browser.text("#progress-text") == "Done, some failed: 199 of 200 images read, 1 failed"
    first = results(http, sent)[0]
    assert browser.text("#item-0 b") == first["label"]
    job = http.get(f"/v1/jobs/{sent.id}").json()
    assert job["keep_images"]
    assert job["metadata"] == {"title": "scans.zip"}


def test_who_comes_back_from_a_job_finds_an_empty_tray(browser: Browser, scans: Path) -> None:
    browser.open("/")
    browser.find("#files").send_keys(str(scans))
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    browser.driver.back()
    browser.wait(lambda: browser.driver.current_url.endswith("/"))
    assert not browser.find("#sending").is_displayed()
    browser.find("#files").send_keys(str(scans))
    browser.wait(lambda: browser.find("#send").is_enabled())
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)


def test_what_is_removed_before_it_is_sent_becomes_no_job(browser: Browser, scans: Path) -> None:
    browser.open("/")
    browser.find("#files").send_keys(str(scans))
    browser.asked()
    browser.run('for (const id of ["send", "tray-clear"]) document.getElementById(id).click()')
    browser.find("#files").send_keys(str(scans))
    browser.wait(lambda: browser.find("#send").is_enabled())
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    assert sum("/v1/jobs?model=" in url for url in browser.asked()) == 1


def test_who_leaves_while_files_are_sent_is_asked_whether_to(browser: Browser, scans: Path) -> None:
    browser.open("/")
    browser.run("XMLHttpRequest.prototype.send = () => {}")
    browser.find("#files").send_keys(str(scans))
    assert not browser.asks_before_leaving()
    browser.find("#send").click()
    browser.wait(lambda: browser.find("#sending").is_displayed())
    assert browser.asks_before_leaving()
    browser.find("#tray-clear").click()
    assert not browser.asks_before_leaving()


def test_rows_of_a_grid_hold_up_nothing_else(browser: Browser, scans: Path) -> None:
    browser.open("/")
    Select(browser.find("#layout")).select_by_value("grid")
    browser.find("#rows").send_keys("500")
    browser.find("#files").send_keys(str(scans))
    browser.find("#send").click()
    assert browser.all("#rows:invalid")
    Select(browser.find("#layout")).select_by_value("")
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)


def test_half_a_character_stands_in_no_title(browser: Browser, tmp_path: Path) -> None:
    image = tmp_path / f"\U0001f600{'a' * 195}.png"
    image.write_bytes(png(draw("7", np.random.default_rng(7))))
    browser.open("/")
    browser.find("#files").send_keys(str(image))
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    browser.wait(lambda: browser.text("#title").endswith("a.png"))


def test_filters_show_the_uncertain_the_failed_and_one_label(
    browser: Browser, sent: Sent, http: httpx.Client
) -> None:
    show(browser, sent)
    items = results(http, sent)
    unsure = [item["index"] for item in items if item.get("uncertain")]
    for kind, wanted in (("failed", [10]), ("uncertain", unsure)):
        browser.find(f"[data-show={kind}]").click()
        browser.wait(lambda wanted=wanted: active(browser) == wanted[0])
        assert browser.text(f"[data-show={kind}] b") == str(len(wanted))
        assert browser.find(".cell").get_attribute("aria-setsize") == str(len(wanted))
    browser.find("[data-show=all]").click()
    next(chip for chip in browser.all(".chip span") if chip.text == "Z").click()
    labelled = sum(item.get("label") == "Z" for item in items)
    browser.wait(lambda: browser.find(".cell").get_attribute("aria-setsize") == str(labelled))


def test_the_least_or_the_most_sure_come_first_if_asked(
    browser: Browser, sent: Sent, http: httpx.Client
) -> None:
    show(browser, sent)
    Select(browser.find("#sort")).select_by_value("unsure")
    browser.find("#grid").send_keys(Keys.HOME, Keys.ARROW_RIGHT)  # the failed one is before all
    read_ones = [item for item in results(http, sent) if item["status"] == "succeeded"]
    least = min(read_ones, key=lambda item: item["confidence"])
    browser.wait(lambda: active(browser) == least["index"])
    Select(browser.find("#sort")).select_by_value("sure")
    browser.find("#grid").send_keys(Keys.HOME)
    surest = max(read_ones, key=lambda item: item["confidence"])
    browser.wait(lambda: active(browser) == surest["index"])


def test_what_the_network_saw_is_shown_in_focus_and_under_the_mouse(
    browser: Browser, sent: Sent
) -> None:
    show(browser, sent)
    seen = "return document.querySelector('#inspector .glyph')?.naturalWidth"
    assert browser.wait(lambda: browser.run(seen)) == 28
    cell = "#item-2 img"
    assert (
        browser.wait(
            lambda: browser.run("return document.querySelector(arguments[0]).naturalWidth", cell)
        )
        == 64
    )
    ActionChains(browser.driver).move_to_element(browser.find(cell)).perform()
    browser.wait(
        lambda: browser.run("return document.querySelector(arguments[0]).naturalWidth", cell) == 28
    )
    ActionChains(browser.driver).move_to_element(browser.find("#title")).perform()


@pytest.mark.parametrize("answer", [REFUSAL, BROKEN_OFF], ids=["refused", "broken off"])
def test_pictures_that_did_not_come_are_asked_for_again(
    browser: Browser, sent: Sent, answer: str
) -> None:
    with browser.refused("/items/", 4, answer=answer):
        show(browser, sent)
    shown = "return document.querySelector('#item-0 img').naturalWidth"
    browser.wait(lambda: browser.run(shown) == 64)
    browser.wait(lambda: [cell.get_attribute("id") for cell in browser.all(".cell.gone")] == ["item-10"])


def test_pictures_that_are_refused_for_long_hold_up_no_others(browser: Browser, sent: Sent) -> None:
    with browser.refused("/items/", 4, answer=FAR_OFF):
        show(browser, sent)
    browser.wait(lambda: browser.all("#item-0.gone"))
    browser.wait(lambda: browser.all("#item-20 img[src]"))


def test_large_uploads_that_no_browser_shows_hold_up_no_others(
    browser: Browser, http: httpx.Client
) -> None:
    page = np.full((1, 1600, 1600), 255, np.uint8)
    page[:, 400:1200, 780:840] = 0
    scans = zip_of({f"{number}.tif": tiff_of(page) for number in range(6)})
    headers = {"Content-Type": "application/zip", "Prefer": "wait=30"}
    job = http.post("/v1/jobs?keep_images=true", content=scans, headers=headers).json()["id"]
    browser.open(f"/jobs/{job}")
    browser.wait(
        lambda: len(browser.all(".cell img[src]")) == 6, 30
    )  # left unread, a body is cut off after 60


def test_what_the_network_saw_gives_way_when_the_mouse_has_left(browser: Browser, sent: Sent) -> None:
    with browser.refused("/items/20/preview.png", after_ms=1500):
        show(browser, sent)
    browser.wait(lambda: browser.all("#item-20 img[src]"))
    ActionChains(browser.driver).move_to_element(browser.find("#item-20")).perform()
    ActionChains(browser.driver).move_to_element(browser.find("#title")).perform()
    glyph = "/items/20/preview.png"
    browser.wait(lambda: any(url.endswith(f"{glyph}?show=glyph") for url, _ in browser.answered()))
    browser.run("return new Promise(requestAnimationFrame)")
    assert browser.run("return document.querySelector('#item-20 img').naturalWidth") == 64
    assert not browser.all("#item-20.gone")


def test_what_the_network_saw_stays_though_the_upload_is_refused_meanwhile(
    browser: Browser, sent: Sent
) -> None:
    refusal = '(window.refused = true, new Response("{}", { status: 404 }))'
    with browser.refused("/items/20/image", after_ms=3000, answer=refusal):
        show(browser, sent)
    ActionChains(browser.driver).move_to_element(browser.find("#item-20")).perform()
    width = "return document.querySelector('#item-20 img').naturalWidth"
    browser.wait(lambda: browser.run(width) == 28)
    browser.wait(lambda: browser.run("return window.refused"))
    browser.run("return new Promise(requestAnimationFrame)")
    assert not browser.all("#item-20.gone")
    ActionChains(browser.driver).move_to_element(browser.find("#title")).perform()
    browser.wait(lambda: browser.run(width) == 64)


def test_a_damaged_picture_is_said_to_be_none(browser: Browser, http: httpx.Client) -> None:
    browser.open(f"/jobs/{fail(http)}")
    browser.wait(lambda: browser.all("#item-0.gone"))
    browser.wait(lambda: browser.text("#inspector figcaption") == "as sent: no picture")


def test_three_are_corrected_by_three_keys_exported_and_read(
    browser: Browser, sent: Sent, http: httpx.Client, tmp_path: Path
) -> None:
    show(browser, sent)
    browser.find("[data-show=uncertain]").click()
    unsure = [item["index"] for item in results(http, sent) if item.get("uncertain")]
    browser.find("#grid").send_keys(Keys.HOME)
    for place, key in enumerate("7c" + Keys.ENTER):
        browser.wait(lambda place=place: active(browser) == unsure[place])
        press(browser, key)
    browser.wait(lambda: active(browser) == unsure[3])
    browser.wait(lambda: browser.text("[data-show=checked] b") == "3")
    labels = ["7", "C", results(http, sent)[unsure[2]]["label"]]  # no c is known, but a C
    browser.wait(lambda: [results(http, sent)[index]["correction"] for index in unsure[:3]] == labels)
    with ZipFile(io.BytesIO(http.get(f"/v1/jobs/{sent.id}/export").content)) as archive:
        archive.extractall(tmp_path)
    found = read(tmp_path, BALANCED)
    assert sorted(BALANCED[label] for label in found.labels) == sorted(labels)

    press(browser, Keys.ARROW_LEFT, Keys.BACKSPACE)
    browser.wait(lambda: browser.text("[data-show=checked] b") == "2")
    browser.wait(lambda: results(http, sent)[unsure[2]]["correction"] is None)


def test_a_group_is_reviewed_by_its_wrong_ones(browser: Browser, sent: Sent, http: httpx.Client) -> None:
    show(browser, sent)
    next(chip for chip in browser.all(".chip span") if chip.text == "Z").click()
    browser.find("#group").click()
    whole = [item["index"] for item in results(http, sent) if item.get("label") == "Z"]
    browser.wait(lambda: browser.find(".cell").get_attribute("aria-setsize") == str(len(whole)))
    wrong = browser.all(".cell")[1]
    index = int(wrong.get_attribute("id").split("-")[1])
    wrong.click()
    assert browser.text("#group-text").startswith("1 image marked")
    browser.find("#group-right").click()
    press(browser, Keys.TAB)
    browser.find("#grid").send_keys("2")
    browser.wait(lambda: results(http, sent)[index]["correction"] == "2")
    labels = {each: results(http, sent)[each]["correction"] for each in whole}
    assert labels == dict.fromkeys(whole, "Z") | {index: "2"}


def test_a_group_that_was_confirmed_by_mistake_is_taken_back_as_one(
    browser: Browser, sent: Sent, http: httpx.Client
) -> None:
    def corrected() -> dict[int, str | None]:
        return {index: results(http, sent)[index]["correction"] for index in whole}

    show(browser, sent)
    next(chip for chip in browser.all(".chip") if chip.accessible_name.startswith("capital Y ")).click()
    whole = [item["index"] for item in results(http, sent) if item.get("label") == "Y"]
    browser.find("#group").click()
    browser.wait(lambda: len(browser.all(".cell")) == len(whole))
    button, cell = browser.find("#group-right"), browser.find(".cell")
    index = int(cell.get_attribute("id").split("-")[1])
    ActionChains(browser.driver).double_click(button).perform()  # the second click is no other answer
    browser.wait(lambda: corrected() == dict.fromkeys(whole, "Y"))
    cell.click()
    browser.find("#grid").send_keys("2")
    browser.wait(lambda: corrected() == dict.fromkeys(whole, "Y") | {index: "2"})
    assert button.text == "Take that back"
    button.click()
    browser.wait(lambda: corrected() == dict.fromkeys(whole) | {index: "2"})
    assert button.text == "The others are right"


def test_what_was_corrected_elsewhere_is_not_confirmed_with_the_others(
    browser: Browser, sent: Sent, http: httpx.Client
) -> None:
    show(browser, sent)
    next(chip for chip in browser.all(".chip span") if chip.text == "X").click()
    browser.find("#group").click()
    first, *others = [item["index"] for item in results(http, sent) if item.get("label") == "X"]
    browser.wait(lambda: len(browser.all(".cell")) == 1 + len(others))
    http.patch(f"/v1/jobs/{sent.id}/items/{first}/correction", json={"label": "K"})
    browser.find("#group-right").click()
    browser.wait(lambda: browser.text(f"#item-{first} b") == "XK")  # an X, struck out
    labels = [results(http, sent)[index]["correction"] for index in (first, *others)]
    assert labels == ["K", *"X" * len(others)]


def test_results_and_sorted_images_are_downloaded(browser: Browser, sent: Sent, tmp_path: Path) -> None:
    show(browser, sent)
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    for link in ("[data-format=csv]", "[data-export*=uploads]"):
        browser.find("#downloads summary").click()
        browser.find(link).click()
        browser.find("#downloads summary").send_keys(Keys.ESCAPE)
        assert not browser.find("#downloads").get_attribute("open")
    table = tmp_path / f"{sent.id}.csv"
    archive = tmp_path / f"{sent.id}-all-uploads.zip"
    browser.wait(lambda: table.exists() and archive.exists())
    assert len(list(csv.reader(table.read_text().splitlines()))) == DRAWN + 1
    with ZipFile(archive) as opened:
        folders = {name.split("/")[0] for name in opened.namelist()}
        assert len(opened.namelist()) == DRAWN
    assert {"7", "upper_A", "lower_a", "unread"} <= folders


def test_a_seven_drawn_on_the_pad_is_read(browser: Browser) -> None:
    browser.open("/")
    pen = ActionChains(browser.driver, duration=20).move_to_element_with_offset(
        browser.find("#pad"), -70, -90
    )
    pen.click_and_hold().move_by_offset(140, 5).move_by_offset(-60, 190).release().perform()
    browser.wait(lambda: browser.all("#pad-readings .reading"))
    readings = [each.text.split()[0] for each in browser.all("#pad-readings .reading")]
    assert readings[0] == "7"
    assert len(readings) == 3
    browser.find("#pad-clear").click()
    assert browser.all("#pad-readings .reading") == []


def test_a_one_is_drawn_by_keys_and_read_as_the_chosen_characters(browser: Browser) -> None:
    browser.open("/")
    Select(browser.find("#charset")).select_by_value("digits")
    browser.find("#pad").send_keys(*[Keys.ARROW_UP] * 8, Keys.SPACE, *[Keys.ARROW_DOWN] * 16, Keys.SPACE)
    browser.wait(lambda: browser.all("#pad-readings .reading"))
    assert browser.text("#pad-readings .reading b") == "1"


def test_the_pen_of_the_keys_is_shown_where_it_is(browser: Browser) -> None:
    def pen() -> tuple[float, float]:
        box = browser.find("#pad-pen").rect
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    browser.open("/")
    assert not browser.all("#pad-pen:not([hidden])")
    browser.find("#pad").send_keys(Keys.ARROW_LEFT)
    x, y = pen()
    browser.find("#pad").send_keys(Keys.SPACE, *[Keys.ARROW_DOWN] * 4)
    moved = 4 * 16 / 448 * browser.find("#pad").rect["width"]
    assert pen() == pytest.approx((x, y + moved), abs=2)
    assert browser.all("#pad-pen.down")
    browser.find("#model").send_keys(Keys.TAB)
    assert not browser.all("#pad-pen:not([hidden])")


def test_a_touch_draws_a_dot_and_a_second_finger_nothing(browser: Browser) -> None:
    browser.open("/")
    empty, dotted, touched = browser.run("""
      const pad = document.getElementById("pad");
      pad.setPointerCapture = () => {};
      const { left, top } = pad.getBoundingClientRect();
      const touch = (kind, isPrimary, at) => {
        pad.dispatchEvent(new PointerEvent(kind, { isPrimary, clientX: left + at, clientY: top + at }));
        return pad.toDataURL();
      };
      return [
        pad.toDataURL(),
        touch("pointerdown", true, 50),
        ["pointerdown", "pointermove", "pointerup"].map((kind, n) => touch(kind, false, 200 + 20 * n)),
      ];
    """)
    assert dotted != empty
    assert touched == [dotted] * 3


def test_a_job_is_read_as_the_characters_that_are_given(
    browser: Browser, http: httpx.Client, scans: Path
) -> None:
    browser.open("/")
    Select(browser.find("#charset")).select_by_value("these")
    browser.find("#files").send_keys(str(scans))
    browser.find("#send").click()
    assert browser.all("#these:invalid")  # nothing given is not all there are
    browser.find("#these").send_keys("xyz")
    browser.find("#send").click()
    assert browser.find(".notice strong").text == "The model cannot read this charset"
    assert "'x'" in browser.text(".notice p")
    browser.find("#these").clear()
    browser.find("#these").send_keys("XYZ")
    browser.find("#send").click()
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    assert "XYZ" in browser.text("#meta")
    browser.wait(lambda: {chip.text for chip in browser.all(".chip span")} == set("XYZ"))
    browser.complaints()  # of the refusal, which browsers note


def test_on_a_narrow_window_the_panel_is_opened_and_closed_by_keys(browser: Browser, sent: Sent) -> None:
    browser.resize(700, 800)
    show(browser, sent)
    panel = browser.find("#inspector")
    assert not panel.is_displayed()
    browser.find("#grid").send_keys(Keys.HOME, Keys.F2)
    assert panel.is_displayed()
    browser.run("document.querySelector('#inspector .close').focus()")
    press(browser, Keys.ENTER)
    assert not panel.is_displayed()
    assert browser.driver.switch_to.active_element == browser.find("#grid")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (640, 450)])  # a phone; twice as large
def test_on_a_small_screen_the_image_in_focus_is_seen_above_its_panel(
    browser: Browser, sent: Sent, width: int, height: int
) -> None:
    browser.resize(width, height)
    show(browser, sent)
    browser.run("document.querySelector('.cell').click()")
    for _ in range(3):
        assert browser.run("""
          const focused = document.querySelector("[aria-selected=true]").getBoundingClientRect();
          const panel = document.getElementById("inspector").getBoundingClientRect();
          return 0 <= focused.top && focused.bottom <= panel.top && panel.bottom <= innerHeight;
        """)
        before = active(browser)
        browser.find("#grid").send_keys(Keys.PAGE_DOWN)
        browser.wait(lambda before=before: active(browser) > before)


def test_on_a_phone_the_panel_leaves_most_of_the_screen_to_a_group(browser: Browser, sent: Sent) -> None:
    browser.resize(360, 640)
    show(browser, sent)
    browser.find("#group").click()
    browser.wait(lambda: browser.all(".cell"))  # which are made anew
    browser.run("document.querySelector('.cell').click()")
    browser.wait(lambda: browser.find(".palette").is_displayed())
    assert 0 < browser.find("#inspector").rect["height"] < 640 / 4


def test_who_corrects_by_the_panel_goes_on_by_keys(browser: Browser, sent: Sent) -> None:
    show(browser, sent)
    browser.find("#grid").send_keys(Keys.HOME)
    for button in (".reading", "#inspector .between button"):  # a reading; taken back
        browser.run("document.querySelector(arguments[0]).focus()", button)
        before = browser.text("#announcement")
        press(browser, Keys.ENTER)
        browser.wait(lambda before=before: browser.text("#announcement") != before)
        press(browser, Keys.HOME)
        browser.wait(lambda: active(browser) == 0)
    assert browser.text("#announcement") == "Taken back"


def test_the_whole_way_goes_by_keyboard(browser: Browser, scans: Path) -> None:
    browser.open("/upload")
    browser.find("#files").send_keys(str(scans))
    browser.run("document.querySelector('#files').focus()")
    for _ in range(12):
        if browser.driver.switch_to.active_element.get_attribute("id") == "send":
            break
        press(browser, Keys.TAB)
    press(browser, Keys.ENTER)
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    browser.wait(lambda: browser.text("[data-show=all] b") == str(DRAWN))
    for _ in range(80):
        if browser.driver.switch_to.active_element.get_attribute("id") == "grid":
            break
        press(browser, Keys.TAB)
    press(browser, Keys.END, "9")
    browser.wait(lambda: browser.text("[data-show=checked] b") == "1")
    assert browser.text("#announcement") == "It is 9"


def test_the_worker_is_shown_with_what_it_read(browser: Browser, sent: Sent, http: httpx.Client) -> None:
    browser.open("/")
    browser.wait(lambda: browser.text("#service-text") == "1 worker ready")

    def is_shown() -> bool:
        """Whether the page agrees with the queue, which counts on for a moment."""
        (worker,) = http.get("/v1/queue").json()["workers"]
        words = f"images read by a worker on {worker['device']}, now idle"
        assert worker["images"] >= DRAWN - 1
        return browser.figures().get(words) == f"{worker['images']:,}"

    browser.wait(is_shown)
    shown = browser.figures()
    assert (shown["worker is alive"], shown["images are waiting"]) == ("1", "0")


def test_jobs_are_listed_and_deleted(browser: Browser, http: httpx.Client) -> None:
    images = npy_of(np.zeros((2, 28, 28), np.uint8))
    job = finished(http, images, "application/x-npy", metadata='{"title": "to be deleted"}')
    browser.open("/")
    button = browser.find("button[aria-label='Delete to be deleted']")
    with browser.held_timers(MEANT_MS):
        button.click()
        assert button.text == "Really?"
        button.click()
    browser.wait(lambda: not browser.all(f"a[href='/jobs/{job}']"))
    assert http.get(f"/v1/jobs/{job}").status_code == 404


def children(http: httpx.Client, parent: str) -> list[str]:
    """The jobs that are retries of another."""
    jobs = http.get("/v1/jobs?limit=50").json()["data"]
    return [job["id"] for job in jobs if job["parent_id"] == parent]


def test_a_retry_whose_answer_was_lost_is_not_doubled_by_trying_again(
    browser: Browser, sent: Sent, http: httpx.Client
) -> None:
    def listed() -> set[str]:
        return {job["id"] for job in http.get("/v1/jobs?limit=50").json()["data"]}

    show(browser, sent)
    before = listed()
    browser.run(f'{LOSE_RETRY} for (const _ of "twice") document.getElementById("retry").click();')
    browser.find(".notice .row button").click()
    browser.wait(lambda: sent.id not in browser.driver.current_url)
    assert len(listed() - before) == 1


def test_each_retry_in_the_list_is_another_job(browser: Browser, http: httpx.Client) -> None:
    parent = fail(http)
    browser.open("/")
    button = browser.find(f"button[aria-label='Retry {parent}']")
    for times in (1, 2):
        button.click()
        browser.wait(lambda times=times: len(children(http, parent)) == times)
        browser.wait(lambda: not button.get_attribute("aria-busy"))


def test_a_button_keeps_the_focus_while_it_works_and_afterwards(
    browser: Browser, http: httpx.Client
) -> None:
    parent = fail(http)
    browser.open("/")
    button = browser.find(f"button[aria-label='Retry {parent}']")
    button.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.text("#announcement") == f"Retry: {parent}")
    assert browser.driver.switch_to.active_element == button
    browser.wait(lambda: not button.get_attribute("aria-busy"))
    press(browser, Keys.ENTER)
    browser.wait(lambda: len(children(http, parent)) == 2)


def test_a_retry_whose_job_was_deleted_is_refused_only_once(
    browser: Browser, http: httpx.Client
) -> None:
    parent = fail(http)
    browser.open(f"/jobs/{parent}")
    browser.wait(lambda: browser.find("#retry").is_displayed())
    browser.run(LOSE_RETRY)
    browser.find("#retry").click()
    button = browser.find(".notice .row button")
    (child,) = children(http, parent)
    browser.wait(lambda: http.delete(f"/v1/jobs/{child}").is_success)
    button.click()
    browser.wait(lambda: "is gone" in browser.text(".notice"))
    browser.complaints()  # of the refusal, which browsers note
    browser.find("#retry").click()
    browser.wait(lambda: parent not in browser.driver.current_url)


def test_dropped_and_pasted_files_are_taken(browser: Browser) -> None:
    browser.open("/")
    script = """
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(4)], arguments[1], {type: "image/png"}));
      const field = arguments[0] === "paste" ? {clipboardData: transfer} : {dataTransfer: transfer};
      const Kind = arguments[0] === "paste" ? ClipboardEvent : DragEvent;
      const event = new Kind(arguments[0], {bubbles: true, cancelable: true, ...field});
      document.getElementById("drop").dispatchEvent(event);
    """
    browser.run(script, "drop", "dropped.png")
    browser.run(script, "paste", "pasted.png")
    browser.wait(
        lambda: browser.text("#tray-names") in ("dropped.png, pasted.png", "pasted.png, dropped.png")
    )


def test_what_cannot_be_read_of_a_drop_is_named_and_the_rest_is_taken(browser: Browser) -> None:
    browser.open("/")
    browser.run("""
      const entry = (name, file) => ({ isFile: true, fullPath: `/${name}`, file });
      const folder = (...found) => ({
        fullPath: "/scans",
        createReader: () => ({ readEntries: (done) => done(found.splice(0)) }),
      });
      const gone = entry("scans/gone.png", (done, failed) => failed(new Error("gone")));
      const there = entry("scans/there.png", (done) => done(new File([new Uint8Array(4)], "there.png")));
      const items = [{ webkitGetAsEntry: () => folder(gone, there) }];
      dispatchEvent(Object.assign(new Event("drop"), { dataTransfer: { items } }));
    """)
    browser.wait(lambda: browser.text("#tray-names") == "scans/there.png")
    assert browser.text(".notice p").startswith("scans/gone.png")


def test_of_much_that_cannot_be_read_the_first_are_named_and_the_rest_counted(browser: Browser) -> None:
    browser.open("/")
    browser.run("""
      const file = (done, failed) => failed(new Error("gone"));
      const entry = (_, n) => ({ isFile: true, fullPath: `/${n + 1}.png`, file });
      const entries = Array.from({ length: 3000 }, entry);
      const items = entries.map((each) => ({ webkitGetAsEntry: () => each }));
      dispatchEvent(Object.assign(new Event("drop"), { dataTransfer: { items } }));
    """)
    browser.wait(lambda: browser.all(".notice"))
    named = "".join(f"{n}.png, " for n in range(1, 11))
    assert browser.text(".notice p").startswith(f"{named}and 2,990 more: ")


def test_what_a_folder_has_beside_scans_is_named(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "form"
    folder.mkdir()
    for name in ("1.pdf", "2.HEIC", "Thumbs.db", ".DS_Store"):
        (folder / name).write_bytes(b"no scan")
    browser.open("/")
    browser.find("#folder").send_keys(str(folder))
    assert browser.find(".notice p").text.startswith("Left out: form/1.pdf, form/2.HEIC. Only images ")
    assert not browser.find("#send").is_enabled()
    (folder / "3.png").write_bytes(b"a scan")
    browser.find("#folder").send_keys(str(folder))
    assert browser.text("#tray-names") == "form/3.png"


def test_what_is_chosen_while_other_files_are_sent_is_said_not_to_be_added(
    browser: Browser, scans: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "form"
    folder.mkdir()
    for name in ("1.png", "2.pdf"):
        (folder / name).write_bytes(b"any")
    browser.open("/")
    browser.run("XMLHttpRequest.prototype.send = () => {}")
    browser.find("#files").send_keys(str(scans))
    browser.find("#send").click()
    browser.wait(lambda: browser.find("#sending").is_displayed())
    browser.find("#folder").send_keys(str(folder))
    assert browser.find(".notice strong").text == "Not added"
    assert browser.text("#tray-names") == "scans.zip"
    browser.find("#tray-clear").click()


def test_a_drop_without_files_is_said_to_be_nothing(browser: Browser) -> None:
    browser.open("/")
    browser.run("""
      const folder = { fullPath: "/empty", createReader: () => ({ readEntries: (done) => done([]) }) };
      const items = [{ webkitGetAsEntry: () => folder }];
      dispatchEvent(Object.assign(new Event("drop"), { dataTransfer: { items } }));
    """)
    assert browser.find(".notice strong").text == "There is nothing to read"


def test_a_photograph_is_made_small_enough_to_be_read(
    browser: Browser, http: httpx.Client, tmp_path: Path, rng: np.random.Generator
) -> None:
    large = Image.fromarray(draw("7", rng, side=600)).resize((2400, 2400))
    large.save(tmp_path / "photo.png")
    browser.open("/")
    Select(browser.find("#model")).select_by_value("digits-mlp")
    browser.find("#camera").send_keys(str(tmp_path / "photo.png"))
    browser.wait(lambda: browser.text("#tray-names") == "photo.jpg")
    browser.find("#send").click()
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    job = browser.driver.current_url.split("/")[-1]
    kept = http.get(f"/v1/jobs/{job}/items/0/image")
    assert Image.open(io.BytesIO(kept.content)).size == (2000, 2000)
    assert http.get(f"/v1/jobs/{job}/items/0").json()["label"] == "7"


def test_a_photograph_that_the_browser_does_not_know_is_left_to_the_service(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "photo.heic").write_bytes(b"what a phone may write")
    browser.open("/")
    browser.find("#camera").send_keys(str(tmp_path / "photo.heic"))
    browser.wait(lambda: browser.text("#tray-names") == "photo.heic")
    assert browser.all(".notice") == []


def test_a_job_without_images_is_shown_without_asking_for_them(
    browser: Browser, http: httpx.Client, scans: Path
) -> None:
    job = finished(http, scans.read_bytes(), "application/zip", model="digits-mlp")
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.all(".cell.gone"))
    browser.find("#downloads summary").click()
    shown = [link.text for link in browser.all("#downloads a") if link.is_displayed()]
    assert shown == ["Results as CSV", "Results as NDJSON"]
    assert not [url for url in browser.asked() if "/items/" in url]


def test_light_and_dark_can_be_chosen_and_stay(browser: Browser) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    browser.open("/")
    light = browser.run(paper)
    browser.find("#theme").click()
    dark = browser.run(paper)
    browser.open("/")
    assert browser.run(paper) == dark != light
    browser.find("#theme").click()
    assert browser.run(paper) == light
    browser.run("localStorage.clear()")


def test_a_browser_that_keeps_nothing_for_pages_shows_them(browser: Browser) -> None:
    forbid = """for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, { get: () => { throw new Error("forbidden"); } });"""
    with browser.beginning_with(forbid):
        browser.open("/")
        browser.wait(lambda: browser.text("#service-text") == "1 worker ready")
        browser.find("#theme").click()
        assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert all("forbidden" in line for line in browser.complaints())


def test_a_folder_of_more_files_than_a_form_takes_is_packed(
    browser: Browser, http: httpx.Client, tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tmp_path / "mäny"
    folder.mkdir()
    seven = png(draw("7", rng))
    for number in range(1100):
        (folder / f"{number}.png").write_bytes(seven)
    (folder / ".DS_Store").write_bytes(b"not meant")
    browser.open("/")
    Select(browser.find("#model")).select_by_value("digits-mlp")
    browser.find("#folder").send_keys(str(folder))
    browser.wait(lambda: browser.text("#tray-count").startswith("1,100 files"))
    browser.find("#send").click()
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    job = http.get(f"/v1/jobs/{browser.driver.current_url.split('/')[-1]}").json()
    assert job["counts"]["succeeded"] == 1100
    assert job["metadata"]["title"] == "mäny"
    last = http.get(f"/v1/jobs/{job['id']}/items/1099").json()
    assert last["name"] == "mäny/1099.png"


def test_ten_thousand_images_stay_usable(browser: Browser, http: httpx.Client) -> None:
    images = npy_of(np.random.default_rng(1).integers(0, 255, (10_000, 28, 28), np.uint8))
    job = finished(http, images, "application/x-npy", model="digits-mlp", keep_images=True)
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.text("[data-show=all] b") == "10,000")
    browser.find("#grid").send_keys(Keys.END)
    browser.wait(lambda: browser.all("#item-9999 img[src]"))
    assert active(browser) == 9999
    assert len(browser.all(".cell")) < 150
    began = browser.run("return performance.now()")
    Select(browser.find("#sort")).select_by_value("unsure")
    browser.wait(lambda: active(browser) == 9999)
    assert browser.run("return performance.now()") - began < 10_000
    before = layouts(browser)
    browser.find("#grid").send_keys(*["7", "8"] * 5)
    browser.wait(lambda: not browser.text("#saving"))
    assert layouts(browser) - before < 300  # one for each image that is seen would be above 800


def test_a_refusal_is_said_in_words(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and nothing more")
    browser.open("/")
    browser.find("#files").send_keys(str(tmp_path / "damaged.zip"))
    browser.find("#send").click()
    assert browser.find(".notice strong").text == "The archive is damaged"
    assert browser.find("#send").is_enabled()
    refused = browser.complaints()  # the browser notes every answer of 4xx
    assert len(refused) == 1
    assert "422" in refused[0]


def test_a_file_that_changed_after_it_was_chosen_is_named(browser: Browser, tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(png(draw("7", np.random.default_rng(7))))
    browser.open("/")
    browser.find("#files").send_keys(str(scan))
    scan.unlink()
    browser.find("#send").click()
    assert browser.find(".notice strong").text == "A file cannot be read any more"
    assert browser.text(".notice p").startswith("scan.png was changed")
    assert not browser.all(".notice .row button")  # to try it again would not help
    (sent,) = browser.complaints()
    assert "ERR_" in sent


def test_nothing_is_wider_than_a_phone(browser: Browser, sent: Sent) -> None:
    browser.resize(360, 740)
    for page in ("/", sent.page):
        browser.open(page)
        browser.wait(lambda: browser.text("#service-text").endswith(("ready", "waiting")))
        assert browser.run("return document.documentElement.scrollWidth") == 360
    browser.wait(lambda: browser.all(".cell"))
    assert not browser.find("#inspector").is_displayed()
    browser.run("document.querySelector('#item-1').click()")
    assert browser.find("#inspector").is_displayed()
    browser.find("#inspector .close").click()
    assert not browser.find("#inspector").is_displayed()


def test_the_reference_is_drawn_without_another_host(browser: Browser) -> None:
    browser.open("/docs")
    browser.wait(lambda: len(browser.all(".opblock")) > 10)
    assert "Inkqueue" in browser.text(".title")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_serious_fault(browser: Browser, sent: Sent, width: int) -> None:
    browser.resize(width, 900)
    for page in ("/", sent.page):
        browser.open(page)
        browser.wait(lambda: browser.text("#service-text").endswith(("ready", "waiting")))
        if page == sent.page:
            browser.wait(lambda: browser.all(".cell img[src]"))
            browser.run("document.querySelector('#item-1').click()")
        for scheme in ("light", "dark"):
            browser.colours(scheme)
            assert browser.serious_faults() == []
