"""A gateway's memory under uploads far larger than what it may grow by, in every form they may have.

GROWTH_MB says how large; from 200 on they are sent slowly too.
"""

import base64
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import psutil
import pytest
import redis

from hostile_files import Entry, idx, raw_zip
from services import Services, lone_gateway
from waiting import meanwhile

MB = 1 << 20
SIZE = int(os.environ.get("GROWTH_MB", "96")) * MB
MOST = 64 * MB
PNG = b"\x89PNG\r\n\x1a\n" + np.random.default_rng(0).bytes(MB)
"""Large enough, and no image at all, which a gateway does not look for."""

SLOW_BYTES_S = 20 * MB
PACES = ("quickly", "slowly") if SIZE >= 200 * MB else ("quickly",)


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway without workers."""
    with lone_gateway(tmp_path_factory.mktemp("growth")) as running:
        with httpx.Client(base_url=running.url) as http:
            for form in FORMS.values():
                assert send(http, form, MB).status_code == 202
        yield running


@pytest.fixture(scope="module")
def before(lone: Services) -> int:
    """Its resident memory when it was warm, of which it may not creep away form by form."""
    return int(psutil.Process(lone.processes[0].pid).memory_info().rss)


@contextmanager
def watched(services: Services, before: int) -> Iterator[None]:
    """The gateway must not hold more than MOST beyond what it held `before`."""
    with redis.Redis.from_url(services.redis_url) as client:
        client.flushall()
    gateway, grown = psutil.Process(services.processes[0].pid), [0]
    with meanwhile(lambda: grown.append(gateway.memory_info().rss - before), 0.01):
        yield
    assert len(grown) > 10
    assert max(grown) <= MOST, f"{max(grown) / MB:.0f} MB"


def zipped(size: int) -> Iterator[bytes]:
    facts = {"crc": zlib.crc32(PNG), "unpacked": len(PNG)}
    yield raw_zip(*(Entry(b"%06d.png" % number, PNG, **facts) for number in range(size // MB)))


def indexed(size: int) -> Iterator[bytes]:
    count = size // 784
    yield idx(count, 28, 28)
    for start in range(0, count, 1000):
        yield bytes(784 * min(1000, count - start))


def formed(size: int) -> Iterator[bytes]:
    for number in range(size // MB):
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{number}.png"\r\n\r\n'
        yield head.encode()
        yield PNG
        yield b"\r\n"
    yield b"--b--\r\n"


def lines(size: int) -> Iterator[bytes]:
    line = json.dumps({"image": base64.b64encode(PNG[: MB // 2]).decode()}).encode() + b"\n"
    for _ in range(max(1, size // len(line))):
        yield line


def document(size: int) -> Iterator[bytes]:
    image = json.dumps({"image": base64.b64encode(PNG[: MB // 2]).decode()}).encode()
    yield b'{"images": [' + b",".join([image] * max(1, size // len(image))) + b"]}"


Body = Callable[[int], Iterator[bytes]]
FORMS: dict[str, tuple[str, Body]] = {
    "zip": ("application/zip", zipped),
    "idx": ("application/x-idx", indexed),
    "form": ("multipart/form-data; boundary=b", formed),
    "ndjson": ("application/x-ndjson", lines),
    "json": ("application/json", document),
}


def send(http: httpx.Client, form: tuple[str, Body], size: int, pace: str = "quickly") -> httpx.Response:
    kind, body = form
    blocks = body(size) if pace == "quickly" else slowly(body(size))
    return http.post("/v1/jobs", content=blocks, headers={"Content-Type": kind})


def slowly(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for whole in blocks:
        for start in range(0, len(whole), MB):
            block = whole[start : start + MB]
            time.sleep(len(block) / SLOW_BYTES_S)
            yield block


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("form", ["zip", "idx", "form"])
def test_one_large_upload_hardly_shows(lone: Services, before: int, form: str, pace: str) -> None:
    with httpx.Client(base_url=lone.url, timeout=120) as http, watched(lone, before):
        answer = send(http, FORMS[form], SIZE, pace)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("form", ["ndjson", "json"])
def test_many_large_documents_at_once_hardly_show(lone: Services, before: int, form: str) -> None:
    """They have to be held whole, and are in turns; who would wait too long is told to come back."""
    count = SIZE // (14 * MB)
    with httpx.Client(base_url=lone.url, timeout=120) as http, watched(lone, before):
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda _: send(http, FORMS[form], 14 * MB), range(count)))
        too_large = send(http, FORMS[form], 17 * MB)
    assert (too_large.status_code, too_large.json()["type"]) == (413, "/problems/body-too-large")
    assert any(answer.status_code == 202 for answer in answers)
    for answer in answers:
        if answer.status_code != 202:
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-many-documents")
            assert int(answer.headers["retry-after"]) >= 1
