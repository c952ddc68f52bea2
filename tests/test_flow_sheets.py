"""Pages, lines and grids through real processes: their characters go with everyone else's, once each."""

import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import numpy as np
import pytest

from model.files.images import png

from jobs import posted, results_of
from killers import ENVIRONMENT, armed
from ledgers import read_stats
from samples import glyphs, json_of, npy_of, page, pngs, ruled, zip_of
from services import Services, gateway_and_worker

Items = list[dict[str, Any]]
ZIP, NPY, JSON = "application/zip", "application/x-npy", "application/json"
PAGES = [["ABC 47", "HKE 2Z"], ["747 EKA", "K2", "Z4A7 EHK"]]


@pytest.fixture(scope="module")
def own_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack that tests may break, with failpoints; each leaves a worker."""
    with gateway_and_worker(tmp_path_factory.mktemp("sheets"), **ENVIRONMENT) as running:
        yield running


@pytest.fixture
def own(own_services: Services) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own_services.url, timeout=60) as client:
        yield client


def sheets(rng: np.random.Generator) -> dict[str, bytes]:
    return {f"{number}.png": png(page(lines, rng)) for number, lines in enumerate(PAGES)}


def said(items: Items) -> list[object]:
    """What is the same however the images were batched: all but the last bits."""
    return [_rounded({key: each[key] for key in each if key != "job_id"}) for each in items]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def send_all(http: httpx.Client, rng: np.random.Generator) -> dict[str, str]:
    """A job of each layout, and many single characters."""
    return {
        "pages": posted(http, zip_of(sheets(rng)), ZIP, layout="page"),
        "grid": posted(http, png(ruled(["AB7", "K2E"], rng)), "image/png", layout="grid"),
        "files": posted(http, zip_of({f"{n}.png": f for n, f in enumerate(pngs(100, rng))}), ZIP),
        "array": posted(http, npy_of(np.tile(glyphs(200, rng), (20, 1, 1))), NPY),
    }


def test_sheets_and_characters_are_read_once_though_the_worker_is_killed(
    own_services: Services, own: httpx.Client
) -> None:
    quiet = {kind: results_of(own, job) for kind, job in send_all(own, np.random.default_rng(8)).items()}
    assert [item["text"] for item in quiet["pages"]] == ["\n".join(lines) for lines in PAGES]
    assert [item["text"] for item in quiet["grid"]] == ["A B 7\nK 2 E"]
    sent = send_all(own, np.random.default_rng(8))
    while own.get(f"/v1/jobs/{sent['array']}").json()["counts"]["succeeded"] == 0:
        time.sleep(0.01)
    worker = own_services.processes[-1]
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    own_services.spawn("worker")
    for kind, job in sent.items():
        assert said(results_of(own, job)) == said(quiet[kind])
        counts = own.get(f"/v1/jobs/{job}").json()["counts"]
        assert counts["succeeded"] == counts["total"] == len(quiet[kind])
    assert read_stats(own_services.redis_url).get("commits_different", 0) == 0


def test_a_page_that_kills_who_decodes_it_is_found_alone(
    own_services: Services, own: httpx.Client, rng: np.random.Generator
) -> None:
    files = sheets(rng)
    deadly = files | {"bad.png": armed(files["0.png"], "segfault"), "last.png": files["0.png"]}
    items = results_of(own, posted(own, zip_of(deadly), ZIP, layout="page"))
    assert [item["status"] for item in items] == ["succeeded", "succeeded", "failed", "succeeded"]
    assert items[2]["error"]["detail"] == "decoding it took the decoder down (SIGSEGV)"
    assert items[0]["text"] == items[3]["text"] == "\n".join(PAGES[0])


def test_a_failed_page_is_tried_again_as_a_page(own: httpx.Client, rng: np.random.Generator) -> None:
    job = posted(own, zip_of(sheets(rng) | {"bad.png": b"\x89PNG\r\n\x1a\n"}), ZIP, layout="page")
    results_of(own, job)
    again = own.post(f"/v1/jobs/{job}/retry", json={"only": "failed"}).json()
    assert (again["layout"], again["counts"]["total"]) == ("page", 1)
    assert results_of(own, again["id"])[0]["error"]["type"] == "undecodable-image"


def test_each_image_is_read_by_its_own_charset(own: httpx.Client, rng: np.random.Generator) -> None:
    body = httpx.Response(200, content=json_of({f"{n}": file for n, file in enumerate(pngs(30, rng))}))
    images = body.json()["images"]
    charsets = ["digits", "XYZ", None]
    for image, charset in zip(images, charsets * 10, strict=True):
        image |= {"charset": charset} if charset else {}
    answer = own.post("/v1/jobs", params={"charset": "upper"}, json={"images": images})
    labels = [item["label"] for item in results_of(own, answer.json()["id"])]
    assert set(labels[0::3]) <= set("0123456789")
    assert set(labels[1::3]) <= set("XYZ")
    assert set(labels[2::3]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def test_what_speaks_against_an_image_comes_with_its_answer(
    own: httpx.Client, rng: np.random.Generator
) -> None:
    files = {"blank.png": png(np.full((64, 64), 235, np.uint8)), "good.png": pngs(1, rng)[0]}
    blank, good = results_of(own, posted(own, zip_of(files), ZIP))
    assert (blank["flags"], blank["uncertain"]) == (["blank"], True)
    assert good["flags"] == []
