"""`make screenshot`: the page of a job of drawn characters, as a picture for the README."""

import sys
import tempfile
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from selenium.webdriver.common.keys import Keys

from model.drawn import STROKES, draw
from model.files.images import png

from browsers import Browser, running_browser
from jobs import finished
from samples import zip_of
from services import gateway_and_worker

LABELS = "".join(STROKES)
SIZE = (1280, 860)
MOST_BYTES = 300_000


def main() -> None:
    """Draw, send, check one, take the picture."""
    picture = Path(sys.argv[1])
    picture.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, gateway_and_worker(Path(folder)) as services:
        job = send(services.url)
        with running_browser(services.url, Path(folder)) as browser:
            take(browser, job, picture)
    flatten(picture)
    print(f"{picture}: {picture.stat().st_size // 1000} kB")


def send(url: str) -> str:
    """A finished job of 188 characters."""
    rng = np.random.default_rng(11)
    drawn = {
        f"form-{n // 40 + 1}/cell-{n % 40 + 1:02}.png": png(draw(LABELS[n % 47], rng))
        for n in range(188)
    }
    metadata = '{"title": "census-1911.zip"}'
    with httpx.Client(base_url=url, timeout=90) as http:
        kind = "application/zip"
        return finished(http, zip_of(drawn), kind, keep_images=True, top_k=5, metadata=metadata)


def take(browser: Browser, job: str, picture: Path) -> None:
    """Take a picture of the page as somebody sees it who has checked one image."""
    browser.resize(*SIZE)
    browser.open(f"/jobs/{job}")
    browser.wait(lambda: browser.text("[data-show=all] b") == "188")
    browser.find("#grid").send_keys(Keys.HOME, Keys.ENTER)
    browser.wait(lambda: browser.text("[data-show=checked] b") == "1")
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    browser.wait(lambda: len(browser.all(".cell img[src]")) == len(browser.all(".cell img")))
    browser.wait(lambda: browser.run("return document.querySelectorAll('.frame img[src]').length") == 2)
    browser.screenshot(picture)


def flatten(picture: Path) -> None:
    """Remove the alpha channel, which makes the file smaller. Raises SystemExit if it is too large."""
    Image.open(picture).convert("RGB").save(picture, optimize=True)
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{picture} has over {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
