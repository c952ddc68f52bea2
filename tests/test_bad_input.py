"""What refusals tell beside their type: which file, line, limit; and what is taken all the same."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from api.parameters import JobParameters

from corpus.asking import message
from corpus.stage import GOOD
from hostile_files import file_part, form
from routes import probes
from samples import drawings, tiff_of, zip_of
from services import Services, beside
from wire import Wire

FORM, ZIP, WAIT = "multipart/form-data; boundary=b", "application/zip", {"Prefer": "wait=30"}
PNG = GOOD["good-0.png"]


def post(http: httpx.Client, kind: str, content: bytes, **headers: str) -> httpx.Response:
    return http.post("/v1/jobs", content=content, headers={"Content-Type": kind} | headers)


def detail(answer: httpx.Response) -> str:
    assert answer.status_code in range(400, 500)
    return str(answer.json()["detail"])


class TestDetails:
    def test_the_bad_file_among_many_is_named(self, http: httpx.Client) -> None:
        answer = post(http, ZIP, zip_of(GOOD | {"sheet.npy": b"\x93NUMPY"}))
        assert "'sheet.npy'" in detail(answer)

    def test_the_bad_line_is_named(self, http: httpx.Client) -> None:
        good = b'{"image": ""}\n'
        assert "line 3" in detail(post(http, "application/x-ndjson", 2 * good + b"{oops\n"))

    def test_the_name_that_stands_twice_is_told(self, http: httpx.Client) -> None:
        body = b'{"images": [{"image": "", "custom_id": "a", "custom_id": "b"}]}'
        assert "'custom_id'" in detail(post(http, "application/json", body))
        answer = http.post("/v1/jobs", params={"metadata": '{"form": "1", "form": "2"}'})
        assert "metadata: 'form' occurs twice" in detail(answer)

    def test_too_many_files_are_told_to_come_as_a_zip(self, http: httpx.Client) -> None:
        upload = form(*[file_part("a.png", PNG)] * 1001)
        assert "ZIP" in detail(post(http, FORM, upload))

    @pytest.mark.parametrize(
        ("method", "path", "body", "said"),
        [
            ("GET", "/v1/jobs/a.b", None, "job_id: an id of a job has 1 to 64 letters"),
            ("DELETE", "/v1/webhooks/wh_x", None, "webhook_id: an id of an endpoint is wh_ and 32"),
            ("POST", "/v1/jobs/a/deliveries/m/redeliver", None, "delivery_id: an id of a delivery is"),
            ("GET", "/v1/jobs?cursor=x", None, "cursor: a cursor is the next_cursor of another page"),
            ("PATCH", "/v1/jobs/{job}/corrections", {"labels": {"01": "7"}}, "an index is a number"),
        ],
    )
    def test_how_an_id_is_spelled_is_told_in_words(
        self, http: httpx.Client, method: str, path: str, body: Any, said: str
    ) -> None:
        job = post(http, "image/png", PNG).json()["id"]
        answer = http.request(method, path.format(job=job), json=body)
        assert said in detail(answer)
        assert "pattern" not in answer.text

    def test_options_that_differ_are_named(self, http: httpx.Client) -> None:
        assert "'top_k'" in detail(http.post("/v1/jobs?top_k=1&top_k=2"))
        assert "'limit' is given twice" in detail(http.get("/v1/jobs/a/results?limit=1&limit=2"))
        assert http.get("/v1/jobs?limit=1&limit=1").status_code == 200

    def test_an_option_that_is_none_is_told_in_words(self, http: httpx.Client) -> None:
        assert "topk: no such parameter; the nearest is top_k" in detail(http.post("/v1/jobs?topk=1"))
        assert "x: no such parameter; known are model," in detail(http.post("/v1/jobs?x=1"))
        assert "x: no such parameter; leave it out." in detail(http.get("/v1/models?x=1"))
        assert "`Prefer: wait=SECONDS`" in detail(http.post("/v1/jobs?wait=5"))

    def test_no_operation_ignores_a_parameter_that_it_does_not_know(self, http: httpx.Client) -> None:
        for probe in probes("a", "callback", f"msg_{'0' * 40}"):
            path = probe.path.partition("?")[0]
            answer = http.request(probe.method, f"{path}?limt=1")
            refused = "limt: no such parameter; " in answer.text
            assert (refused and answer.status_code == 422) == path.startswith("/v1/"), probe
        assert "the nearest is limit." in detail(http.get("/v1/jobs/a/results?limt=1"))

    def test_options_that_are_written_differently_agree(self, http: httpx.Client) -> None:
        query = {"keep_images": "false", "top_k": "03", "metadata": '{"a": "1", "b": "2"}'}
        fields = {"keep_images": "False", "top_k": "3", "metadata": '{"b":"2","a":"1"}'}
        answer = http.post("/v1/jobs", params=query, data=fields, files={"files": PNG})
        assert answer.status_code == 202, answer.text

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PATCH", "/v1/jobs", {"GET", "HEAD", "POST"}),
            ("PROPFIND", "/v1/jobs", {"GET", "HEAD", "POST"}),
            ("POST", "/v1/models", {"GET", "HEAD"}),
            ("GET", "/v1/predictions", {"POST"}),
            ("POST", "/v1/jobs/a", {"GET", "HEAD", "PUT", "DELETE"}),
        ],
    )
    def test_another_method_is_told_which_are_allowed(
        self, http: httpx.Client, method: str, path: str, allowed: set[str]
    ) -> None:
        answer = http.request(method, path)
        assert answer.status_code == 405
        assert {each.strip() for each in answer.headers["allow"].split(",")} == allowed


class TestTaken:
    def test_fields_that_were_left_empty_are_as_if_not_given(self, http: httpx.Client) -> None:
        empty = dict.fromkeys(JobParameters.model_fields, "")
        job = http.post("/v1/jobs", data=empty, files={"files": PNG}).json()
        given = http.post(
            "/v1/jobs?charset=", data=empty | {"charset": "7"}, files={"files": PNG}
        ).json()
        plain = http.post("/v1/jobs", files={"files": PNG}).json()
        options = JobParameters.model_fields.keys() & plain.keys()
        assert {each: job[each] for each in options} == {each: plain[each] for each in options}
        assert given["charset"] == "7"

    @pytest.mark.parametrize(
        "fields",
        [
            {"Content-Type": "IMAGE/PNG ; x=y"},
            {"Content-Type": "image/png", "Content-Encoding": "Identity"},
        ],
    )
    def test_how_types_and_codings_are_written_does_not_matter(
        self, http: httpx.Client, fields: dict[str, str]
    ) -> None:
        assert http.post("/v1/jobs", content=PNG, headers=fields).status_code == 202

    def test_a_thousand_files_are_taken(self, http: httpx.Client) -> None:
        upload = form(*(file_part(f"{number}.png", PNG) for number in range(1000)))
        job = post(http, FORM, upload).json()
        assert job["counts"]["total"] == 1000
        http.post(f"/v1/jobs/{job['id']}/cancel")

    def test_a_page_that_was_cut_off_fails_alone(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        pages = tiff_of(drawings(5, rng))
        job = post(http, "image/tiff", pages[:-1000], **WAIT).json()
        found = http.get(f"/v1/jobs/{job['id']}/results").json()["data"]
        assert [item["status"] for item in found] == ["succeeded"] * 4 + ["failed"]

    def test_a_failed_job_can_be_asked_everything(self, http: httpx.Client) -> None:
        headers = {"Content-Type": "image/png"} | WAIT
        job = http.post("/v1/jobs?keep_images=1", content=PNG[:-20], headers=headers).json()
        assert job["state"] == "failed"
        path = f"/v1/jobs/{job['id']}"
        assert http.get(f"{path}/items/0/image").status_code == 200
        preview = http.get(f"{path}/items/0/preview.png")
        assert preview.json()["type"] == "/problems/undecodable-image"
        assert http.get(f"{path}/results?format=csv&only=failed").text.count("undecodable-image") == 1

    def test_what_lies_beyond_the_end_is_empty(self, http: httpx.Client) -> None:
        job = post(http, ZIP, zip_of(GOOD), **WAIT).json()
        page = http.get(f"/v1/jobs/{job['id']}/results?cursor={10**18}").json()
        assert (page["data"], page["next_cursor"]) == ([], None)


@pytest.fixture(scope="module")
def narrow(services: Services) -> Iterator[httpx.Client]:
    """Another gateway on the same Redis that takes small bodies only."""
    with (
        beside(services, INKQUEUE_MAX_BODY_BYTES="100000") as own,
        httpx.Client(base_url=own.url, timeout=60) as client,
    ):
        yield client


class TestBodyLimit:
    @pytest.mark.parametrize("kind", ["image/png", ZIP, FORM])
    def test_a_body_over_the_limit_is_told_the_limit(self, narrow: httpx.Client, kind: str) -> None:
        answer = post(narrow, kind, bytes(100_001))
        assert (answer.status_code, answer.json()["limit"]) == (413, 100_000)
        assert post(narrow, "image/png", PNG).status_code == 202

    def test_it_is_refused_before_it_is_read_and_its_connection_ends(self, narrow: httpx.Client) -> None:
        fields = {"Content-Type": "image/png", "Content-Length": "999999999999"}
        with Wire(str(narrow.base_url)) as wire:
            answer = wire.send(message("POST", "/v1/jobs", fields)).answer()
            assert (answer.status, json.loads(answer.body)["limit"]) == (413, 100_000)
            assert wire.is_closed()

    def test_a_body_of_unknown_length_is_cut_at_the_limit(self, narrow: httpx.Client) -> None:
        def endless() -> Iterator[bytes]:
            for _ in range(200):
                yield bytes(1000)

        answer = narrow.post("/v1/jobs", content=endless(), headers={"Content-Type": "image/png"})
        assert answer.json()["type"] == "/problems/body-too-large"
