"""Pages of writing on the page, in a real Chromium: sent, seen with their boxes, corrected by text."""

from typing import Any

import httpx
import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from model.files.images import png

from browsers import Browser
from jobs import finished
from samples import page, pngs, zip_of

pytestmark = pytest.mark.usefixtures("quiet")

LINES = ["ABC 47", "HKE 2Z"]
WIDTH = "return document.querySelector('#inspector .frame img')?.naturalWidth"


@pytest.fixture(scope="module")
def sent(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a page that was sent by the page, and read."""
    path = tmp_path_factory.mktemp("pages") / "letter.png"
    path.write_bytes(png(page(LINES, np.random.default_rng(8))))
    browser.open("/upload")
    Select(browser.find("#layout")).select_by_value("page")
    browser.find("#files").send_keys(str(path))
    browser.find("#send").click()
    browser.wait(lambda: "/jobs/" in browser.driver.current_url)
    browser.wait(lambda: browser.text("#progress-text").startswith("Done"))
    return browser.driver.current_url.rpartition("/")[2]


def show(browser: Browser, job: str) -> None:
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.all(".cell img[src]"))


def item(http: httpx.Client, job: str) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/v1/jobs/{job}/items/0").json()
    return found


def test_a_page_is_shown_with_its_boxes_and_its_text(
    browser: Browser, sent: str, http: httpx.Client
) -> None:
    show(browser, sent)
    text = item(http, sent)["text"]
    assert http.get(f"/v1/jobs/{sent}").json()["layout"] == "page"
    assert browser.wait(lambda: browser.run(WIDTH)) == 800
    assert browser.run("return document.querySelector('#inspector textarea').value") == text
    assert browser.text(".cell b").split() == text.split()
    assert not browser.find(".palette").is_displayed()


def test_its_text_is_corrected_and_taken_back(browser: Browser, sent: str, http: httpx.Client) -> None:
    show(browser, sent)
    field = browser.find("#inspector textarea")
    field.clear()
    field.send_keys("ABC, 47", Keys.ENTER, "HKE (2Z)")
    browser.find("#inspector .text button").click()
    browser.wait(lambda: item(http, sent)["correction"] == "ABC, 47\nHKE (2Z)")
    browser.wait(lambda: browser.text("[data-show=checked] b") == "1")
    browser.find("#grid").send_keys("7", Keys.BACKSPACE)  # a key is no text
    browser.wait(lambda: item(http, sent)["correction"] is None)
    browser.find("#grid").send_keys(Keys.ENTER)
    browser.wait(lambda: item(http, sent)["correction"] == item(http, sent)["text"])


def test_a_text_that_is_being_written_is_there_on_coming_back(
    browser: Browser, http: httpx.Client
) -> None:
    files = {f"{n}.png": png(page(LINES, np.random.default_rng(n))) for n in range(2)}
    job = finished(http, zip_of(files), "application/zip", keep_images=True, layout="page")
    show(browser, job)
    field = browser.find("#inspector textarea")
    field.send_keys("x", Keys.BACKSPACE)  # as it was
    assert not browser.asks_before_leaving()
    field.clear()
    field.send_keys("half a te")
    browser.find("#item-1").click()
    browser.wait(lambda: browser.text("#inspector .file") == "1.png")
    assert field.get_property("value") != "half a te"
    browser.find("#item-0").click()
    browser.wait(lambda: field.get_property("value") == "half a te")
    assert browser.asks_before_leaving()
    browser.find("#inspector .text button").click()
    browser.wait(lambda: item(http, job)["correction"] == "half a te")
    browser.wait(lambda: not browser.asks_before_leaving())
    browser.find("#item-0").click()
    assert field.get_property("value") == "half a te"
    browser.find("#grid").send_keys(Keys.BACKSPACE)
    browser.wait(lambda: field.get_property("value") == item(http, job)["text"])


def test_a_page_without_text_is_written_not_agreed_to(browser: Browser, http: httpx.Client) -> None:
    blank = png(np.full((200, 200), 255, np.uint8))
    job = finished(http, blank, "image/png", keep_images=True, layout="page")
    show(browser, job)
    browser.find("#grid").send_keys(Keys.ENTER)
    browser.wait(lambda: browser.text("#announcement") == "Nothing was read here.")
    browser.find("#grid").send_keys(Keys.F2)
    browser.driver.switch_to.active_element.send_keys("seven")
    browser.find("#inspector .text button").click()
    browser.wait(lambda: item(http, job)["correction"] == "seven")
    assert browser.all(".notice") == []


def test_rows_and_columns_are_asked_of_a_grid_only(browser: Browser) -> None:
    browser.open("/upload")
    assert not browser.find("#rows").is_displayed()
    Select(browser.find("#layout")).select_by_value("grid")
    assert browser.find("#rows").is_displayed()


def test_what_speaks_against_a_character_is_on_it(
    browser: Browser, http: httpx.Client, rng: np.random.Generator
) -> None:
    files = {"a.png": pngs(1, rng)[0], "blank.png": png(np.full((64, 64), 230, np.uint8))}
    job = finished(http, zip_of(files), "application/zip", keep_images=True)
    show(browser, job)
    browser.find("[data-show=uncertain]").click()
    browser.wait(lambda: browser.text("#item-1 .flag") == "blank")
    browser.find("#item-1").click()
    browser.wait(lambda: browser.text("#inspector .flag") == "blank")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_serious_fault(browser: Browser, sent: str, width: int) -> None:
    browser.resize(width, 900)
    for colours in ("light", "dark"):
        browser.colours(colours)
        show(browser, sent)
        browser.all(".cell")[0].click()
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.serious_faults() == []
