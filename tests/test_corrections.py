"""What a person says images are: kept beside what was read, for as long as the job."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
import redis

from chaos.faults import Cut, Nth
from chaos.proxy import Proxy
from jobs import finished
from ledgers import commit_of, finish, in_store, ledger, read_job, submit
from samples import glyphs, npy_of
from services import lone_gateway

NPY = {"Content-Type": "application/x-npy"}


def send(http: httpx.Client, count: int, rng: np.random.Generator) -> str:
    """A finished job of so many glyphs."""
    return finished(http, npy_of(glyphs(count, rng)), "application/x-npy")


@pytest.fixture(scope="module")
def job(services: object) -> str:
    """A finished job of six glyphs; tests correct what they look at."""
    with httpx.Client(base_url=services.url, timeout=60) as http:  # type: ignore[attr-defined]
        return send(http, 6, np.random.default_rng(5))


def test_a_correction_stands_beside_what_was_read(http: httpx.Client, job: str) -> None:
    before = http.get(f"/v1/jobs/{job}/items/2").json()
    assert before["correction"] is None
    answer = http.patch(f"/v1/jobs/{job}/items/2/correction", json={"label": "Z"})
    assert answer.json() == before | {"correction": "Z"}
    assert http.get(f"/v1/jobs/{job}/items/2").json() == answer.json()


def test_every_form_of_results_has_the_corrections(http: httpx.Client, job: str) -> None:
    http.patch(f"/v1/jobs/{job}/items/3/correction", json={"label": "a"})
    path = f"/v1/jobs/{job}/results"
    page = http.get(path).json()["data"]
    assert page[3]["correction"] == "a"
    lines = http.get(path, params={"format": "ndjson"}).text.splitlines()
    assert [json.loads(line) for line in lines] == page
    head, *rows = http.get(path, params={"format": "csv"}).text.splitlines()
    assert rows[3].split(",")[head.split(",").index("correction")] == "a"


def test_null_takes_a_correction_back(http: httpx.Client, job: str) -> None:
    path = f"/v1/jobs/{job}/items/4/correction"
    http.patch(path, json={"label": "7"})
    assert http.patch(path, json={"label": None}).json()["correction"] is None


@pytest.mark.parametrize("label", ["c", "ab", "", "é", "\N{GREEK SMALL LETTER ALPHA}"])
def test_a_label_that_the_model_has_not_is_refused(http: httpx.Client, job: str, label: str) -> None:
    answer = http.patch(f"/v1/jobs/{job}/items/0/correction", json={"label": label})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid-label"
    assert http.get(f"/v1/jobs/{job}/items/0").json()["correction"] is None


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"label": 7}', '{"label": "7", "sure": 1}', "nonsense"]
)
def test_another_body_is_refused_with_an_example(http: httpx.Client, job: str, body: str) -> None:
    answer = http.patch(f"/v1/jobs/{job}/items/0/correction", content=body)
    assert answer.status_code == 422
    assert '{"label": "7"}' in answer.json()["detail"]


def test_an_image_that_is_not_there_is_not_found(http: httpx.Client, job: str) -> None:
    assert http.patch(f"/v1/jobs/{job}/items/6/correction", json={"label": "7"}).status_code == 404
    assert http.patch("/v1/jobs/none/items/0/correction", json={"label": "7"}).status_code == 404


def test_many_are_corrected_at_once_or_none(http: httpx.Client, job: str) -> None:
    path = f"/v1/jobs/{job}/corrections"
    assert http.patch(path, json={"labels": {"0": "B", "1": "D"}}).json() == {"corrected": 2, "kept": {}}
    for wrong in ({"0": "8", "1": "!"}, {"0": "8", "6": "8"}):
        assert http.patch(path, json={"labels": wrong}).status_code in (404, 422)
    items = http.get(f"/v1/jobs/{job}/results").json()["data"]
    assert [item["correction"] for item in items[:2]] == ["B", "D"]
    assert http.patch(path, json={"labels": {"0": None, "1": None}}).json()["corrected"] == 2
    assert http.patch(path, json={"labels": {}}).status_code == 422
    assert (
        http.patch(path, json={"labels": dict.fromkeys(map(str, range(1001)), "1")}).status_code == 422
    )


def test_without_overwriting_what_was_corrected_before_is_kept(http: httpx.Client, job: str) -> None:
    path = f"/v1/jobs/{job}/corrections"
    http.patch(path, json={"labels": {"0": "B", "1": None}})
    said = {"labels": {"0": "D", "1": "D"}, "overwrite": False}
    for _ in range(2):
        assert http.patch(path, json=said).json() == {"corrected": 1, "kept": {"0": "B"}}
    withdrawn = {"labels": {"0": None}, "overwrite": False}
    assert http.patch(path, json=withdrawn).json() == {"corrected": 0, "kept": {"0": "B"}}
    assert http.patch(path, json=said | {"overwrite": 0}).status_code == 422
    items = http.get(f"/v1/jobs/{job}/results").json()["data"]
    assert [item["correction"] for item in items[:2]] == ["B", "D"]
    assert http.patch(path, json={"labels": {"0": None, "1": None}}).json()["corrected"] == 2


@pytest.mark.parametrize("wrong", [{"overwrite": 0}, {"overwrit": True}])
def test_the_member_that_is_wrong_is_named(
    http: httpx.Client, job: str, wrong: dict[str, object]
) -> None:
    answer = http.patch(f"/v1/jobs/{job}/corrections", json={"labels": {"0": "7"}} | wrong)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert answer.json()["detail"].startswith(f"{next(iter(wrong))}: ")


@pytest.mark.parametrize("index", ["00", "01", " 0 ", "-0", "+1", "0.0", "1_0", "1e0", "x", "9" * 10])
def test_an_index_is_written_in_one_way(http: httpx.Client, job: str, index: str) -> None:
    answer = http.patch(f"/v1/jobs/{job}/corrections", json={"labels": {index: "7"}})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert '{"labels": {"0": "7", "5": null}}' in answer.json()["detail"]


def test_of_two_labels_for_an_image_none_is_lost(http: httpx.Client, job: str) -> None:
    for path, body in (
        ("corrections", '{"labels": {"5": "7", "5": "8"}}'),
        ("corrections", '{"labels": {"5": "7", "\\u0035": "8"}}'),
        ("items/5/correction", '{"label": "7", "label": "8"}'),
    ):
        answer = http.patch(f"/v1/jobs/{job}/{path}", content=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
        assert "occurs twice" in answer.json()["detail"]
    assert http.get(f"/v1/jobs/{job}/items/5").json()["correction"] is None


def test_an_image_that_is_not_read_cannot_be_corrected(tmp_path: Path, rng: np.random.Generator) -> None:
    with lone_gateway(tmp_path) as alone, httpx.Client(base_url=alone.url) as http:
        job = http.post("/v1/jobs", content=npy_of(glyphs(2, rng)), headers=NPY).json()["id"]
        path = f"/v1/jobs/{job}/items/1/correction"
        waiting = http.patch(path, json={"label": "7"})
        http.post(f"/v1/jobs/{job}/cancel")
        never = http.patch(path, json={"label": "7"})
    assert [waiting.status_code, never.status_code] == [409, 409]
    assert waiting.json()["type"] == "/problems/item-pending"
    assert "retry-after" in waiting.headers
    assert "retry-after" not in never.headers


def test_the_ledger_keeps_all_or_nothing(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2, 2))
    worker = ledger(redis_url)
    (claim, *_) = worker.claim("balanced", 2)
    worker.commit([commit_of(claim)])
    read, unread = (0, 2) if claim.chunk == 0 else (2, 0)
    job = read_job(redis_url, "a")
    both = {read: "A", unread: "B"}
    assert in_store(redis_url, lambda store: store.correct(job, both)) is None
    assert not clean_redis.exists("ink:job:anonymous/a:corrections")
    assert in_store(redis_url, lambda store: store.correct(job, {read: "A"})) == {}
    assert in_store(redis_url, lambda store: store.corrected("anonymous/a")) == 1
    (item,) = in_store(redis_url, lambda store: store.items(job, read, 1))
    assert item.correction == "A"


def test_a_label_whose_answer_was_lost_counts_as_stored(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,))
    finish(redis_url)
    job = read_job(redis_url, "a")
    in_store(redis_url, lambda store: store.correct(job, {1: "B"}))
    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA correct", 1, Cut.AFTER)
        labels = {0: "A", 1: "A"}
        kept = in_store(proxy.url, lambda store: store.correct(job, labels, overwrite=False))
    assert plan.struck.is_set()
    assert kept == {1: "B"}


def test_corrections_end_with_their_job(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    finish(redis_url)
    job = read_job(redis_url, "a")
    in_store(redis_url, lambda store: store.correct(job, {0: "A"}))
    assert clean_redis.ttl("ink:job:anonymous/a:corrections") > 0
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "deleted"
    assert clean_redis.keys("ink:job:*") == []
