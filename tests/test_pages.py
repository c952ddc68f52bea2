"""The pages as a gateway serves them: safe by their headers, cheap to come back to, of one host."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import httpx
import numpy as np
import pytest

from api.file_types import media_type
from model.card import WEIGHTS

from jobs import finished
from samples import pngs, tiff_of, zip_of
from services import Services, beside

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "api" / "pages" / "static"
PAGES = ("/", "/upload", "/jobs/some", "/docs")


def assets_of(http: httpx.Client, page: str) -> list[str]:
    """The addresses that a page names."""
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', http.get(page).text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_run_only_what_this_gateway_serves(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sent_once_while_it_stays_the_same(http: httpx.Client, path: str) -> None:
    first = http.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_is_made_of_is_there_and_kept_for_good(http: httpx.Client, path: str) -> None:
    named = assets_of(http, path)
    assert len(named) > 3
    for address in named:
        answer = http.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = http.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_an_old_page_gets_files_that_it_does_not_keep(http: httpx.Client) -> None:
    answer = http.get("/static/0123456789ab/base.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["x/none.js", "x/../../rendering.py", "x/%2e%2e/rendering.py", "x/"])
def test_nothing_else_is_served(http: httpx.Client, path: str) -> None:
    answer = http.get(f"/static/{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


def test_no_file_of_the_page_names_another_host() -> None:
    for path in [*STATIC.iterdir(), *(STATIC.parent / "templates").iterdir()]:
        named = re.findall(r"""https?://[a-z0-9.-]+|["'(]//[a-z0-9.-]+""", path.read_text())
        assert set(named) <= {"http://www.w3.org"}, path  # a namespace, nothing that is asked for


def test_every_script_says_what_it_is_and_is_short() -> None:
    for path in STATIC.iterdir():
        lines = path.read_text().splitlines()
        assert len(lines) <= 150, path
        if path.suffix in (".js", ".css"):
            assert lines[0].startswith(("// ", "/* ")), path


def test_the_network_that_is_read_with_by_default_is_chosen(services: Services, tmp_path: Path) -> None:
    for path in WEIGHTS.glob("digits*.*"):
        shutil.copy(path, tmp_path)
    with beside(services, INKQUEUE_WEIGHTS=str(tmp_path)) as other:
        for url, name in ((services.url, "balanced"), (other.url, "digits-mlp")):
            assert re.findall(r'value="(\S+)" selected', httpx.get(url).text) == [name]


def test_the_pages_are_in_the_wheel(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--no-build-isolation", "."]
    subprocess.run([*line, "--wheel-dir", str(tmp_path)], cwd=ROOT, check=True)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    for folder in ("static", "templates"):
        for path in (STATIC.parent / folder).iterdir():
            assert path.relative_to(ROOT).as_posix() in packed


def test_the_reference_is_drawn_by_the_pinned_package(http: httpx.Client) -> None:
    assert f"/static/swagger-{version('fastapi-offline')}/swagger-ui-bundle.js" in assets_of(
        http, "/docs"
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "application/octet-stream"),
        (b"BM....", "image/bmp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "application/octet-stream"),
        (b"<!doctype html><script>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_an_upload_is_shown_as_what_its_bytes_are(data: bytes, kind: str) -> None:
    assert media_type(data) == kind
    assert media_type(memoryview(data)) == kind


def test_an_upload_never_acts(http: httpx.Client, rng: np.random.Generator) -> None:
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    files = {"a.png": pngs(1, rng)[0], "b.svg": script, "c.tif": tiff_of(np.zeros((1, 9, 9), np.uint8))}
    job = finished(http, zip_of(files), "application/zip", keep_images=True)
    answers = [http.get(f"/v1/jobs/{job}/items/{index}/image") for index in range(3)]
    kinds = [answer.headers["content-type"] for answer in answers]
    assert kinds == ["image/png", "application/octet-stream", "image/tiff"]
    assert answers[1].headers["content-disposition"] == "attachment"
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
