"""What bad input gets from the real gateway: its own problem, over HTTP, and everyone lives on."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest
import redis
from corpus import (
    BAD_IMAGES,
    DRAWING,
    FORM,
    GOOD,
    IMAGES,
    NDJSON,
    NPY,
    PARAMETERS,
    PNG,
    ZIP,
    Upload,
    uploads,
)

from api.problems import CATALOGUE
from worker.embedded import free_port

from conftest import Services
from makers import (
    Entry,
    file_part,
    form,
    part,
    raw_zip,
    zip_of_many,
)
from samples import npy_of, tiff_of, zip_of

MB = 1 << 20
LONGEST = 4096
STATUS = {
    "malformed-request": 400,
    "malformed-json": 400,
    "malformed-multipart": 400,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "body-too-large": 413,
    "too-many-images": 413,
    "too-many-files": 413,
    "too-many-entries": 413,
    "file-too-large": 413,
    "archive-bomb": 413,
    "unsupported-media-type": 415,
}
"""Every other problem here is 422."""

WAIT = {"Prefer": "wait=30"}


@dataclass(frozen=True)
class Standing:
    """The two processes before any bad input came."""

    gateway: psutil.Process
    worker: str
    resident: int


@pytest.fixture(scope="module", autouse=True)
def standing(services: Services) -> Standing:
    """Who answers, and how much memory it takes once it is warm."""
    with httpx.Client(base_url=services.url, timeout=60) as client:
        for kind, data in (("image/png", PNG), (ZIP, zip_of(GOOD))):
            client.post("/v1/jobs", content=data, headers={"Content-Type": kind} | WAIT)
        (worker,) = client.get("/readyz").json()["workers"]
    gateway = psutil.Process(services.processes[0].pid)
    return Standing(gateway, worker["id"], gateway.memory_info().rss)


@pytest.fixture(scope="module")
def done_job(services: Services) -> str:
    """The id of a job that is over."""
    with httpx.Client(base_url=services.url, timeout=60) as client:
        return str(post(client, ZIP, zip_of(GOOD), **WAIT).json()["id"])


def post(
    http: httpx.Client, kind: str, content: bytes, path: str = "/v1/jobs", **headers: str
) -> httpx.Response:
    return http.post(path, content=content, headers={"Content-Type": kind} | headers)


def expect(answer: httpx.Response, slug: str) -> str:
    """The answer is this problem and nothing else; returns its detail."""
    status = STATUS.get(slug, 422)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= LONGEST
    problem = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    assert (problem["status"], problem["title"]) == (status, CATALOGUE[slug][1])
    assert problem["instance"].startswith("/")
    detail = problem["detail"]
    assert isinstance(detail, str)
    assert len(detail) > 10
    return detail


class TestUploads:
    @pytest.mark.parametrize("upload", [pytest.param(each, id=name) for name, each in uploads()])
    def test_a_bad_upload_gets_its_problem(self, http: httpx.Client, upload: Upload) -> None:
        expect(post(http, upload.kind, upload.bytes()), upload.problem)

    def test_a_million_entries_are_refused_unseen(self, http: httpx.Client, standing: Standing) -> None:
        archive = zip_of_many(1_000_000)
        assert len(archive) > 88_000_000
        before = standing.gateway.cpu_times()
        expect(post(http, ZIP, archive), "too-many-entries")
        after = standing.gateway.cpu_times()
        assert after.user - before.user < 1
        assert standing.gateway.memory_info().rss - standing.resident < 64 * MB

    def test_the_bad_file_among_many_is_named(self, http: httpx.Client) -> None:
        answer = post(http, ZIP, zip_of(GOOD | {"sheet.npy": b"\x93NUMPY"}))
        assert "'sheet.npy'" in expect(answer, "array-invalid")

    def test_the_bad_line_is_named(self, http: httpx.Client) -> None:
        good = b'{"image": ""}\n'
        assert "line 3" in expect(post(http, NDJSON, 2 * good + b"{oops\n"), "malformed-json")

    def test_too_many_files_are_told_to_come_as_a_zip(self, http: httpx.Client) -> None:
        upload = form(*[file_part("a.png", PNG)] * 1001)
        assert "ZIP" in expect(post(http, FORM, upload), "too-many-files")

    def test_a_thousand_files_are_taken(self, http: httpx.Client) -> None:
        upload = form(*(file_part(f"{number}.png", PNG) for number in range(1000)))
        job = post(http, FORM, upload).json()
        assert job["counts"]["total"] == 1000
        http.post(f"/v1/jobs/{job['id']}/cancel")

    def test_a_packed_body_is_not_unpacked(self, http: httpx.Client) -> None:
        answer = post(http, "image/png", PNG, **{"Content-Encoding": "gzip"})
        expect(answer, "unsupported-media-type")

    def test_a_data_uri_is_taken(self, http: httpx.Client) -> None:
        uri = "data:image/png;base64,iVBORw0KGgo="
        answer = http.post("/v1/jobs", json={"images": [{"image": uri}]}, headers=WAIT)
        assert answer.json()["counts"]["failed"] == 1

    def test_what_desktops_leave_in_a_zip_is_passed_over(self, http: httpx.Client) -> None:
        noise = {"__MACOSX/._a.png": b"x", "a/": b"", "a/Thumbs.db": b"x", ".DS_Store": b"x"}
        assert post(http, ZIP, zip_of(GOOD | noise)).json()["counts"]["total"] == len(GOOD)

    def test_odd_names_are_labels(self, http: httpx.Client) -> None:
        names = [
            b"nul\0.png",
            b"esc\x1b[2J\r\n.png",
            b"x" * 10_000 + b".png",
            b'=cmd|"/c calc".png',
            b"CON",
        ]
        job = post(http, ZIP, raw_zip(*(Entry(name, PNG) for name in names)), **WAIT).json()
        found = [item["name"] for item in results(http, job["id"])]
        odd = "\N{REPLACEMENT CHARACTER}"
        assert found == [
            f"nul{odd}.png",
            f"esc{odd}[2J{odd}{odd}.png",
            "x" * 251 + ".png",
            *(name.decode() for name in names[3:]),
        ]


def results(http: httpx.Client, job_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = http.get(f"/v1/jobs/{job_id}/results").json()["data"]
    return found


class TestImages:
    def test_a_bad_image_fails_alone(self, http: httpx.Client) -> None:
        files = GOOD | {name: data for name, (data, _) in BAD_IMAGES.items()}
        job = post(http, ZIP, zip_of(files), **WAIT).json()
        assert job["state"] == "partially_failed"
        for item in results(http, job["id"]):
            name = str(item["name"])
            if name in GOOD:
                assert item["status"] == "succeeded"
            else:
                error = item["error"]
                assert isinstance(error, dict)
                assert (name, error["type"]) == (name, BAD_IMAGES[name][1])
                assert len(error["detail"]) > 10

    @pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "lying.png", "huge.png", "tall.png"])
    def test_a_bad_image_on_its_own_is_a_problem(self, http: httpx.Client, name: str) -> None:
        data, slug = BAD_IMAGES[name]
        start = time.perf_counter()
        expect(post(http, "image/png", data, "/v1/predictions"), slug)
        assert time.perf_counter() - start < 2

    def test_a_page_that_was_cut_off_fails_alone(self, http: httpx.Client) -> None:
        pages = tiff_of([DRAWING] * 5)
        whole = post(http, "image/tiff", pages, **WAIT).json()
        assert whole["counts"]["succeeded"] == 5
        job = post(http, "image/tiff", pages[:-1000], **WAIT).json()
        assert [item["status"] for item in results(http, job["id"])] == ["succeeded"] * 4 + ["failed"]

    def test_a_failed_job_can_be_asked_everything(self, http: httpx.Client) -> None:
        job = post(
            http, "image/png", BAD_IMAGES["cut.png"][0], **WAIT, path="/v1/jobs?keep_images=1"
        ).json()
        assert job["state"] == "failed"
        path = f"/v1/jobs/{job['id']}"
        assert http.get(f"{path}/items/0/image").status_code == 200
        expect(http.get(f"{path}/items/0/preview.png"), "undecodable-image")
        assert http.get(f"{path}/results?format=csv&only=failed").text.count("undecodable-image") == 1


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "slug"), PARAMETERS.items(), ids=[each[:30] for each in PARAMETERS]
    )
    def test_a_bad_parameter_gets_its_problem(self, http: httpx.Client, query: str, slug: str) -> None:
        expect(post(http, "image/png", PNG, f"/v1/jobs?{query}"), slug)

    def test_a_query_and_a_field_must_agree(self, http: httpx.Client) -> None:
        body = form(file_part("a.png", PNG), part('name="top_k"', b"2"))
        assert post(http, FORM, body, "/v1/jobs?top_k=2").status_code == 202
        assert "twice" in expect(post(http, FORM, body, "/v1/jobs?top_k=3"), "invalid-parameter")

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
    def test_a_bad_idempotency_key_is_refused(self, http: httpx.Client, key: str) -> None:
        expect(post(http, "image/png", PNG, **{"Idempotency-Key": key}), "malformed-request")

    def test_many_images_are_no_prediction(self, http: httpx.Client) -> None:
        expect(post(http, NPY, npy_of(IMAGES), "/v1/predictions"), "single-image-expected")

    @pytest.mark.parametrize(
        ("query", "slug"),
        [
            ("cursor=abc", "invalid-parameter"),
            ("cursor=-1", "invalid-parameter"),
            ("cursor=%D9%A3", "invalid-parameter"),
            ("cursor=" + "9" * 30, "invalid-parameter"),
            ("cursor=%2Binf", "invalid-parameter"),
            ("limit=0", "invalid-parameter"),
            ("limit=101", "invalid-parameter"),
            ("limit=x", "invalid-parameter"),
            ("state=lost", "invalid-parameter"),
            ("state=" + "x" * 20_000, "invalid-parameter"),
        ],
    )
    def test_a_bad_page_of_jobs_is_refused(self, http: httpx.Client, query: str, slug: str) -> None:
        expect(http.get(f"/v1/jobs?{query}"), slug)

    @pytest.mark.parametrize(
        "query",
        [
            *("/results?cursor=-1", "/results?cursor=x", "/results?cursor=" + "9" * 5000),
            *("/results?limit=0", "/results?limit=1001", "/results?only=good", "/results?format=xml"),
            *("/items/-1", "/items/x", "/items/1.5", "?wait=-1", "?wait=x", "?wait=nan"),
        ],
    )
    def test_a_bad_page_of_results_is_refused(
        self, http: httpx.Client, done_job: str, query: str
    ) -> None:
        expect(http.get(f"/v1/jobs/{done_job}{query}"), "invalid-parameter")

    def test_what_lies_beyond_the_end_is_empty_or_not_there(
        self, http: httpx.Client, done_job: str
    ) -> None:
        page = http.get(f"/v1/jobs/{done_job}/results?cursor={10**18}").json()
        assert (page["data"], page["next_cursor"]) == ([], None)
        for index in (3, 10**18):
            expect(http.get(f"/v1/jobs/{done_job}/items/{index}"), "not-found")

    def test_results_come_in_no_other_form(self, http: httpx.Client, done_job: str) -> None:
        headers = {"Accept": "text/html"}
        expect(http.get(f"/v1/jobs/{done_job}/results", headers=headers), "not-acceptable")

    @pytest.mark.parametrize(
        "body", [b"{", b"[]", b'"x"', b'{"only": "all"}', json.dumps({"x" * 4000: 1}).encode()]
    )
    def test_a_bad_retry_is_refused(self, http: httpx.Client, done_job: str, body: bytes) -> None:
        expect(post(http, "application/json", body, f"/v1/jobs/{done_job}/retry"), "invalid-parameter")

    def test_a_retry_of_20_mb_is_refused(self, http: httpx.Client, done_job: str) -> None:
        answer = post(http, "application/json", b" " * (20 * MB), f"/v1/jobs/{done_job}/retry")
        expect(answer, "body-too-large")


class TestAddresses:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("job_" + "0" * 32, "not-found"),
            ("a/b/c", "not-found"),
            ("a%2Fb", "not-found"),
            ("..%2F..%2Fetc", "not-found"),
            ("%00", "invalid-parameter"),
            ("a%00b", "invalid-parameter"),
            ("a%0Ab", "invalid-parameter"),
            ("a%0A", "invalid-parameter"),
            ("a*b", "invalid-parameter"),
            ("%FF%FE", "invalid-parameter"),
            ("%D9%A3", "invalid-parameter"),
            ("x" * 65, "invalid-parameter"),
            ("x" * 300, "invalid-parameter"),
            ("x" * 20_000, "invalid-parameter"),
        ],
    )
    def test_no_job_has_a_bad_id(self, http: httpx.Client, name: str, slug: str) -> None:
        expect(http.get(f"/v1/jobs/{name}"), slug)
        expect(http.delete(f"/v1/jobs/{name}"), slug)
        if "/" not in name:
            expect(http.post(f"/v1/jobs/{name}/cancel"), slug)
            expect(http.get(f"/v1/jobs/{name}/results"), slug)

    @pytest.mark.parametrize("name", ["a%00b", "x" * 65, "a.b"])
    def test_no_job_can_be_put_under_a_bad_id(self, http: httpx.Client, name: str) -> None:
        answer = http.put(f"/v1/jobs/{name}", content=PNG, headers={"Content-Type": "image/png"})
        expect(answer, "invalid-parameter")

    @pytest.mark.parametrize(
        "path",
        [
            "/nope",
            "/v1",
            "/v1/job",
            "/v2/jobs",
            "/problems/nope",
            "/" + "x" * 20_000,
            "/%00",
            "/%0d%0aSet-Cookie:a",
        ],
    )
    def test_an_unknown_address_is_a_problem(self, http: httpx.Client, path: str) -> None:
        expect(http.get(path), "not-found")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PATCH", "/v1/jobs", {"GET", "POST"}),
            ("DELETE", "/v1/jobs", {"GET", "POST"}),
            ("PROPFIND", "/v1/jobs", {"GET", "POST"}),
            ("POST", "/v1/models", {"GET"}),
            ("GET", "/v1/predictions", {"POST"}),
            ("POST", "/v1/jobs/a", {"GET", "PUT", "DELETE"}),
        ],
    )
    def test_another_method_is_told_which_are_allowed(
        self, http: httpx.Client, method: str, path: str, allowed: set[str]
    ) -> None:
        answer = http.request(method, path)
        expect(answer, "method-not-allowed")
        assert {each.strip() for each in answer.headers["allow"].split(",")} == allowed


def speak(url: str, request: bytes) -> tuple[int, bytes]:
    """The status and the body that a request gets which no library would send."""
    port = httpx.URL(url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.fixture(scope="module")
def narrow(services: Services) -> Iterator[httpx.Client]:
    """Another gateway on the same Redis that takes small bodies only."""
    port = free_port()
    small = {"INKQUEUE_PORT": str(port), "INKQUEUE_MAX_BODY_BYTES": "100000"}
    other = Services(services.redis_url, f"http://127.0.0.1:{port}", services.environment | small)
    try:
        other.wait_answering(other.spawn("api"))
        with httpx.Client(base_url=other.url, timeout=60) as client:
            yield client
    finally:
        other.stop()


class TestBodyLimit:
    @pytest.mark.parametrize("kind", ["image/png", ZIP, FORM])
    def test_a_body_over_the_limit_is_refused(self, narrow: httpx.Client, kind: str) -> None:
        expect(post(narrow, kind, bytes(100_001)), "body-too-large")
        assert post(narrow, "image/png", PNG).status_code == 202

    def test_it_is_refused_before_it_is_read(self, narrow: httpx.Client) -> None:
        lines = ("POST /v1/jobs HTTP/1.1", "Host: a", "Content-Type: image/png")
        head = "\r\n".join([*lines, "Content-Length: 999999999999", "\r\n"])
        status, body = speak(str(narrow.base_url), head.encode())
        assert status == 413
        assert json.loads(body)["limit"] == 100_000

    def test_a_body_of_unknown_length_is_cut_at_the_limit(self, narrow: httpx.Client) -> None:
        def endless() -> Iterator[bytes]:
            for _ in range(200):
                yield bytes(1000)

        answer = narrow.post("/v1/jobs", content=endless(), headers={"Content-Type": "image/png"})
        expect(answer, "body-too-large")


class TestEveryoneLivesOn:
    def test_nothing_that_was_refused_is_kept(self, services: Services) -> None:
        with redis.Redis.from_url(services.redis_url) as client:
            assert list(client.scan_iter("ink:stage:*")) == []

    def test_the_processes_are_the_same(
        self, http: httpx.Client, services: Services, standing: Standing
    ) -> None:
        assert {each.poll() for each in services.processes} == {None}
        assert standing.worker in [each["id"] for each in http.get("/readyz").json()["workers"]]
        assert post(http, "image/png", PNG, "/v1/predictions").status_code == 200

    def test_the_gateway_has_not_grown(self, standing: Standing) -> None:
        assert standing.gateway.is_running()
        assert standing.gateway.memory_info().rss - standing.resident < 64 * MB

    def test_no_internal_error_was_counted(self, http: httpx.Client) -> None:
        lines = http.get("/metrics").text.splitlines()
        assert not [line for line in lines if 'status="500"' in line]
