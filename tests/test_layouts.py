"""Images with many characters, as clients send and see them: parameters, results, texts."""

import base64
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from api.client import Client
from api.result_rows import page_of
from model.files.images import png
from model.layout import Box
from worker.ledger.claims import Commit
from worker.ledger.jobs import Job
from worker.ledger.packing import pack
from worker.ledger.results import Answer, Found, Page

from ledgers import in_store, ledger, read_job, submit
from samples import glyphs, npy_of, page, pngs
from services import Services

PNG = {"Content-Type": "image/png", "Prefer": "wait=60"}
JSON = {"Prefer": "wait=60"}
LINES = ["ABC 47", "HKE 2Z"]
LETTER = Answer((1, 2), (0.9, 0.1), False)


def post(http: httpx.Client, content: bytes, **params: Any) -> httpx.Response:
    return http.post("/v1/jobs", params=params, content=content, headers=PNG)


@pytest.fixture(scope="module")
def drawn() -> bytes:
    """Two lines of two words."""
    return png(page(LINES, np.random.default_rng(8)))


@pytest.fixture(scope="module")
def job(services: Services, drawn: bytes) -> dict[str, Any]:
    """A page that was read and is kept."""
    with httpx.Client(base_url=services.url, timeout=90) as http:
        answer = post(http, drawn, layout="page", keep_images=True)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def item(services: Services, job: dict[str, Any]) -> dict[str, Any]:
    """What it says."""
    found: dict[str, Any] = httpx.get(f"{services.url}/v1/jobs/{job['id']}/items/0").json()
    return found


def characters(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for line in item["lines"] for word in line["words"] for each in word["characters"]]


def inside(box: list[int], outer: list[int]) -> bool:
    """Whether a box lies in another."""
    return all(
        outer[axis] <= box[axis] and box[axis] + box[axis + 2] <= outer[axis] + outer[axis + 2]
        for axis in (0, 1)
    )


class TestPages:
    def test_a_page_is_lines_of_words_of_characters(self, item: dict[str, Any]) -> None:
        assert [[len(word["characters"]) for word in line["words"]] for line in item["lines"]] == [
            [len(word) for word in line.split()] for line in LINES
        ]
        assert item["text"] == "\n".join(line["text"] for line in item["lines"])
        right = sum(a == b for a, b in zip(item["text"], "\n".join(LINES), strict=True))
        assert right >= len(item["text"]) - 2

    def test_confidence_is_the_mean_and_doubt_is_anyones(self, item: dict[str, Any]) -> None:
        found = characters(item)
        mean = sum(each["confidence"] for each in found) / len(found)
        assert item["confidence"] == pytest.approx(mean, abs=1e-6)
        assert item["uncertain"] == any(each["uncertain"] for each in found)
        assert set(item["flags"]) == {flag for each in found for flag in each["flags"]}
        assert (item["label"], item["status"], "top_k" in item) == (None, "succeeded", False)

    def test_boxes_lie_within_those_of_words_and_lines(self, item: dict[str, Any]) -> None:
        for line in item["lines"]:
            for word in line["words"]:
                assert inside(word["box"], line["box"])
                for each in word["characters"]:
                    assert inside(each["box"], word["box"])
                    assert len(each["top_k"]) == 3
                    assert each["top_k"][0] == {"label": each["label"], "p": each["confidence"]}

    def test_the_job_says_how_it_is_read(self, job: dict[str, Any]) -> None:
        assert (job["layout"], job["rows"], job["columns"]) == ("page", None, None)

    def test_every_form_of_results_has_text_and_flags(
        self, http: httpx.Client, job: dict[str, Any], item: dict[str, Any]
    ) -> None:
        path = f"/v1/jobs/{job['id']}/results"
        assert http.get(path).json()["data"] == [item]
        assert json.loads(http.get(path, params={"format": "ndjson"}).text) == item
        (row,) = csv.DictReader(io.StringIO(http.get(path, params={"format": "csv"}).text))
        assert (row["text"], row["flags"]) == (item["text"], " ".join(item["flags"]))
        assert (row["label"], row["top_k"]) == ("", "")
        with Client(str(http.base_url)) as client:
            (told,) = client.results(job["id"])
            (heard,) = (
                each for event in client.events(job["id"]) for each in getattr(event, "data", ())
            )
        assert told.model_dump(mode="json", exclude_unset=True) == item
        assert heard == told

    def test_results_of_large_images_come_in_small_pages(
        self, redis_url: str, clean_redis: redis.Redis
    ) -> None:
        submit(redis_url, "a", (1, 1, 1))
        large = Page(tuple(Found(LETTER, Box(n, 0, 1, 1), 0, 0) for n in range(6000)))
        worker = ledger(redis_url)
        while claims := worker.claim("balanced", 100):
            worker.commit([Commit(claim, pack([large]), 1, 0, b"") for claim in claims])
        job = read_job(redis_url, "a")

        async def once() -> AsyncIterator[Job]:
            yield job

        pages = [
            in_store(redis_url, lambda store, at=at: page_of(store, once(), at, 1000, None))  # type: ignore[misc]
            for at in (0, 2)
        ]
        assert [[row["index"] for row in data] for _, data, _ in pages] == [[0, 1], [2]]
        assert [place for _, _, place in pages] == [2, 3]

    def test_a_grid_has_a_line_a_row_and_a_word_a_cell(self, http: httpx.Client) -> None:
        cells = np.full((120, 240), 240, np.uint8)
        cells[10:50, 10:50] = page(["7"], np.random.default_rng(1), 40)[40:80, 40:80]
        done = post(http, png(cells), layout="grid", rows=2, columns=4).json()
        (item,) = http.get(f"/v1/jobs/{done['id']}/results").json()["data"]
        assert (done["layout"], done["rows"], done["columns"]) == ("grid", 2, 4)
        assert [len(line["words"]) for line in item["lines"]] == [4, 4]
        first = item["lines"][0]["words"][0]["characters"][0]
        assert (first["flags"], first["box"]) == ([], [0, 0, 60, 60])
        blank = [each for each in characters(item)[1:] if each["flags"] == ["blank"]]
        assert len(blank) == 7
        assert item["text"] == f"{first['label']}   \n   "
        assert item["uncertain"]

    def test_a_prediction_of_a_line_has_its_text(self, http: httpx.Client) -> None:
        line = png(page(["HAND 7"], np.random.default_rng(3)))
        answer = http.post("/v1/predictions", params={"layout": "line"}, content=line, headers=PNG)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["text"]) == len("HAND 7")
        assert answer.json()["lines"][0]["text"] == answer.json()["text"]

    def test_paper_without_ink_is_a_blank_page(self, http: httpx.Client) -> None:
        done = post(http, png(np.full((300, 200), 230, np.uint8)), layout="page").json()
        item = http.get(f"/v1/jobs/{done['id']}/items/0").json()
        assert (item["text"], item["lines"], item["confidence"]) == ("", [], None)
        assert (item["flags"], item["uncertain"]) == (["blank"], True)
        unsure = http.get(f"/v1/jobs/{done['id']}/results", params={"only": "uncertain"}).json()
        assert unsure["data"] == [item]


class TestFlags:
    def test_what_is_flagged_is_uncertain_and_found_as_such(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        blank = png(np.full((64, 64), 230, np.uint8))
        images = [{"image": base64.b64encode(each).decode()} for each in (blank, *pngs(3, rng))]
        done = http.post("/v1/jobs", json={"images": images}, headers=JSON).json()
        path = f"/v1/jobs/{done['id']}/results"
        items = http.get(path).json()["data"]
        assert (items[0]["flags"], items[0]["uncertain"]) == (["blank"], True)
        assert all(isinstance(each["flags"], list) for each in items)
        unsure = http.get(path, params={"only": "uncertain"}).json()["data"]
        assert unsure == [each for each in items if each["uncertain"]]
        assert items[0] in unsure
        table = list(csv.DictReader(io.StringIO(http.get(path, params={"format": "csv"}).text)))
        assert (table[0]["flags"], table[0]["text"]) == ("blank", "")


class TestRefusals:
    @pytest.mark.parametrize(
        ("params", "word"),
        [
            ({"layout": "book"}, "layout"),
            ({"layout": "grid", "rows": 2}, "both"),
            ({"layout": "page", "rows": 2, "columns": 2}, "the layout grid"),
            ({"rows": 2, "columns": 2}, "the layout grid"),
            ({"layout": "grid", "rows": 0, "columns": 2}, "rows"),
            ({"layout": "grid", "rows": 2, "columns": 201}, "columns"),
            ({"layout": "grid", "rows": 101, "columns": 100}, "10,000 cells"),
            ({"layout": "line", "normalize": "none"}, "normalize"),
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/jobs", "/v1/predictions"])
    def test_what_does_not_agree(
        self, http: httpx.Client, drawn: bytes, params: dict[str, Any], word: str, path: str
    ) -> None:
        answer = http.post(path, params=params, content=drawn, headers=PNG)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
        assert word in answer.json()["detail"]

    def test_an_array_has_no_layout(self, http: httpx.Client, rng: np.random.Generator) -> None:
        headers = {"Content-Type": "application/x-npy"}
        body = npy_of(glyphs(2, rng))
        answer = http.post("/v1/jobs", params={"layout": "page"}, content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/array-layout")

    def test_rows_may_stand_in_the_query_and_the_layout_in_the_form(
        self, http: httpx.Client, drawn: bytes
    ) -> None:
        form = {"data": {"layout": "grid"}, "files": {"files": ("a.png", drawn)}}
        answer = http.post("/v1/jobs", params={"rows": 2, "columns": 3}, **form)  # type: ignore[arg-type]
        assert answer.status_code == 202
        assert (answer.json()["layout"], answer.json()["rows"]) == ("grid", 2)


class TestCharsets:
    @pytest.mark.parametrize("lines", [False, True])
    def test_an_image_may_have_its_own(
        self, http: httpx.Client, rng: np.random.Generator, lines: bool
    ) -> None:
        files = [base64.b64encode(each).decode() for each in pngs(6, rng)]
        images: list[dict[str, str]] = [{"image": each} for each in files]
        images[1]["charset"], images[3]["charset"] = "upper", "xyzXYZ"[3:]
        done = self.send(http, images, lines, charset="digits").json()
        items = http.get(f"/v1/jobs/{done['id']}/results").json()["data"]
        labels = [item["label"] for item in items]
        assert all(label.isdigit() for label in (labels[0], labels[2], *labels[4:]))
        assert labels[1].isupper()
        assert labels[3] in "XYZ"
        assert {each["label"] for each in items[3]["top_k"]} == set("XYZ")

    @pytest.mark.parametrize("lines", [False, True])
    def test_one_that_the_model_has_not_is_refused_and_its_image_named(
        self, http: httpx.Client, rng: np.random.Generator, lines: bool
    ) -> None:
        images = [{"image": base64.b64encode(each).decode()} for each in pngs(2, rng)]
        images[1]["charset"] = "0é"
        answer = self.send(http, images, lines)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-charset")
        assert answer.json()["detail"].startswith("image 1: the model knows no 'é'")

    def send(
        self, http: httpx.Client, images: list[dict[str, str]], lines: bool, **params: str
    ) -> httpx.Response:
        if not lines:
            return http.post("/v1/jobs", json={"images": images, **params}, headers=JSON)
        body = "\n".join(json.dumps(each) for each in images).encode()
        headers = JSON | {"Content-Type": "application/x-ndjson"}
        return http.post("/v1/jobs", params=params, content=body, headers=headers)


class TestCorrections:
    def test_a_page_is_corrected_by_a_text(self, http: httpx.Client, job: dict[str, Any]) -> None:
        path = f"/v1/jobs/{job['id']}/items/0/correction"
        text = "ABC, 47\nHKE (2Z)\n"
        assert http.patch(path, json={"label": text}).json()["correction"] == text
        (row,) = csv.DictReader(
            io.StringIO(http.get(f"/v1/jobs/{job['id']}/results?format=csv").text, newline="")
        )
        assert row["correction"] == text
        assert http.patch(path, json={"label": None}).json()["correction"] is None

    def test_tabs_and_other_spaces_are_plain_ones(self, http: httpx.Client, job: dict[str, Any]) -> None:
        path, text = f"/v1/jobs/{job['id']}", "10\u00a0kg\tand\u202f\u3000more\n"
        single = http.patch(f"{path}/items/0/correction", json={"label": text})
        assert single.json()["correction"] == "10 kg and  more\n"
        assert http.patch(f"{path}/corrections", json={"labels": {"0": "a\tb"}}).status_code == 200
        assert http.get(f"{path}/items/0").json()["correction"] == "a b"
        http.patch(f"{path}/items/0/correction", json={"label": None})

    @pytest.mark.parametrize("text", ["", "a\x00b", "a\rb", "a\u2028b", "\x1b[2J", "x" * 10_001])
    def test_what_is_no_text_is_refused(
        self, http: httpx.Client, job: dict[str, Any], text: str
    ) -> None:
        answer = http.patch(f"/v1/jobs/{job['id']}/items/0/correction", json={"label": text})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-label")
