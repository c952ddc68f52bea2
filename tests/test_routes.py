"""The HTTP contract on a real gateway, Redis and worker: jobs, results, items, predictions, service."""

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from api.routes.jobs import MOST_SEEN
from model.card import read_cards

from ledgers import on_redis
from pressure_proof import fill
from samples import LABELS, glyphs, json_of, npy_of, pngs, zip_of
from services import Services, running_services

PNG, ZIP = {"Content-Type": "image/png"}, {"Content-Type": "application/zip"}
NPY = {"Content-Type": "application/x-npy"}
WAIT = {"Prefer": "wait=30"}
BROKEN = b"\x89PNG\r\n\x1a\n and no more"


def submit(http: httpx.Client, content: bytes, headers: dict[str, str], **query: object) -> str:
    answer = http.post("/v1/jobs", params=query, content=content, headers=headers | WAIT)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def lifetime(job: dict[str, Any]) -> float:
    """Seconds for which a job is kept."""
    made, over = (datetime.fromisoformat(job[field]) for field in ("created_at", "expires_at"))
    return (over - made).total_seconds()


@pytest.fixture
def mixed_job(http: httpx.Client, rng: np.random.Generator) -> str:
    """Five good images and a broken one, kept."""
    files = {f"{number}.png": data for number, data in enumerate(pngs(5, rng))}
    return submit(http, zip_of(files | {"bad.png": BROKEN}), ZIP, keep_images=True)


class TestSubmitting:
    def test_a_job_is_accepted_at_once(self, http: httpx.Client, rng: np.random.Generator) -> None:
        images = np.tile(glyphs(100, rng), (200, 1, 1))
        answer = http.post("/v1/jobs", content=npy_of(images), headers=NPY)
        assert answer.status_code == 202
        job = answer.json()
        assert answer.headers["location"] == f"/v1/jobs/{job['id']}" == job["links"]["self"]
        assert int(answer.headers["retry-after"]) >= 1
        assert job["counts"]["total"] == 20_000
        assert http.post(f"/v1/jobs/{job['id']}/cancel").status_code in (200, 202)

    def test_prefer_wait_answers_when_done(self, http: httpx.Client, rng: np.random.Generator) -> None:
        answer = http.post("/v1/jobs", content=pngs(1, rng)[0], headers=PNG | WAIT)
        assert answer.status_code == 200
        assert answer.headers["preference-applied"] == "wait=30"
        assert answer.json()["state"] == "succeeded"

    @pytest.mark.parametrize(
        "prefer", ["respond-async, wait=30", "Wait=30", 'wait="30"', "wait=9999999"]
    )
    def test_a_wait_is_understood_however_it_is_written(
        self, http: httpx.Client, rng: np.random.Generator, prefer: str
    ) -> None:
        headers = PNG | {"Prefer": prefer}
        assert http.post("/v1/jobs", content=pngs(1, rng)[0], headers=headers).status_code == 200

    def test_small_jobs_are_interactive_and_large_ones_bulk(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        small = http.post("/v1/jobs", content=npy_of(glyphs(16, rng)), headers=NPY)
        large = http.post("/v1/jobs", content=npy_of(glyphs(17, rng)), headers=NPY)
        asked = http.post("/v1/jobs?priority=bulk", content=npy_of(glyphs(1, rng)), headers=NPY)
        found = [each.json()["priority"] for each in (small, large, asked)]
        assert found == ["interactive", "bulk", "bulk"]

    def test_options_may_stand_in_the_body(self, http: httpx.Client, rng: np.random.Generator) -> None:
        files = {"a": pngs(1, rng)[0]}
        body = json_of(files, model="digits", top_k=2, metadata={"form": "7"})
        job = http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"}).json()
        form = http.post(
            "/v1/jobs", files={"files": ("a.png", files["a"])}, data={"model": "digits", "top_k": "2"}
        ).json()
        assert (job["model"], job["top_k"], job["metadata"]) == ("digits", 2, {"form": "7"})
        assert (form["model"], form["top_k"]) == ("digits", 2)

    def test_putting_the_same_twice_is_one_job(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        one, other = pngs(2, rng)
        first = http.put("/v1/jobs/form-17", content=one, headers=PNG)
        second = http.put("/v1/jobs/form-17", content=one, headers=PNG)
        third = http.put("/v1/jobs/form-17", content=other, headers=PNG)
        fourth = http.put("/v1/jobs/form-17?top_k=2", content=one, headers=PNG)
        assert first.json()["id"] == second.json()["id"] == "form-17"
        assert second.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        for another in (third, fourth):
            assert another.status_code == 422
            assert another.json()["type"] == "/problems/idempotency-mismatch"

    def test_the_order_of_metadata_makes_no_other_job(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        (image,) = pngs(1, rng)
        ids = set()
        for metadata in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
            params, key = {"metadata": json.dumps(metadata)}, {"Idempotency-Key": "ordered"}
            answer = http.post("/v1/jobs", params=params, content=image, headers=PNG | key)
            ids.add(answer.raise_for_status().json()["id"])
        assert len(ids) == 1

    def test_an_id_of_ones_own_stands_for_any_key(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        (image,) = pngs(1, rng)
        headers = PNG | {"Idempotency-Key": "put"}
        made = [http.put(f"/v1/jobs/form-{n}", content=image, headers=headers).json() for n in (1, 2)]
        assert [each["id"] for each in made] == ["form-1", "form-2"]

    def test_an_idempotency_key_makes_one_job_of_many_posts(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        content, other = pngs(2, rng)
        key = {"Idempotency-Key": "once"}
        answers: list[httpx.Response] = []

        def post() -> None:
            answers.append(http.post("/v1/jobs", content=content, headers=PNG | key))

        threads = [threading.Thread(target=post) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        again = http.post("/v1/jobs", content=content, headers=PNG | key)
        accepted = [each for each in answers if each.status_code == 202]
        assert {each.status_code for each in answers} <= {202, 409}
        assert {each.json()["id"] for each in [*accepted, again]} == {again.json()["id"]}
        mismatch = http.post("/v1/jobs", content=other, headers=PNG | key)
        assert mismatch.status_code == 422

    def test_a_multipart_retry_is_the_same_though_its_boundary_is_not(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        files = [("files", ("a.png", pngs(1, rng)[0]))]
        key = {"Idempotency-Key": "form"}
        ids = {http.post("/v1/jobs", files=files, headers=key).json()["id"] for _ in range(3)}
        assert len(ids) == 1


class TestReading:
    def test_a_job_can_be_waited_for(self, http: httpx.Client, rng: np.random.Generator) -> None:
        job = http.post("/v1/jobs", content=npy_of(glyphs(50, rng)), headers=NPY).json()["id"]
        state = http.get(f"/v1/jobs/{job}?wait=30").json()
        assert state["state"] == "succeeded"
        assert state["counts"]["succeeded"] == 50

    def test_an_unchanged_job_is_not_sent_again(self, http: httpx.Client, mixed_job: str) -> None:
        first = http.get(f"/v1/jobs/{mixed_job}")
        again = http.get(f"/v1/jobs/{mixed_job}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    @pytest.mark.parametrize("named", ["W/{}", '"other", {}', "*"])
    def test_nor_is_it_where_its_tag_is_weak_or_one_of_several(
        self, http: httpx.Client, mixed_job: str, named: str
    ) -> None:
        for path in (f"/v1/jobs/{mixed_job}", "/"):
            etag = http.get(path).headers["etag"]
            assert http.get(path, headers={"If-None-Match": named.format(etag)}).status_code == 304

    def test_an_unknown_job_is_not_found(self, http: httpx.Client) -> None:
        answer = http.get("/v1/jobs/job_unknown")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    def test_a_page_of_a_rare_state_costs_no_look_at_all_jobs(
        self, http: httpx.Client, services: Services
    ) -> None:
        on_redis(services.redis_url, lambda client: fill(client, MOST_SEEN + 1))
        query: dict[str, str] = {"state": "canceling"}
        pages = list[int]()
        while "cursor" not in query or query["cursor"]:
            page = http.get("/v1/jobs", params=query).json()
            pages.append(len(page["data"]))
            query["cursor"] = page["next_cursor"]
        assert len(pages) > 1
        assert sum(pages) == 0

    def test_jobs_are_listed_newest_first_in_pages(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        made = []
        for data in pngs(3, rng):
            made.append(http.post("/v1/jobs", content=data, headers=PNG | WAIT).json()["id"])
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while len(seen) < 3:
            page = http.get("/v1/jobs", params={"limit": 2, "state": "succeeded", **cursor}).json()
            seen += [job["id"] for job in page["data"]]
            cursor = {"cursor": page["next_cursor"]}
        assert seen[:3] == made[::-1]

    def test_results_come_in_order_and_in_pages(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        job = submit(http, npy_of(glyphs(700, rng)), NPY)
        seen, cursor = [], 0
        while cursor is not None:
            page = http.get(f"/v1/jobs/{job}/results", params={"cursor": cursor, "limit": 300}).json()
            seen += [item["index"] for item in page["data"]]
            cursor = page["next_cursor"]
        assert seen == list(range(700))
        assert page["complete"]

    def test_an_item_carries_name_label_and_likely_readings(
        self, http: httpx.Client, mixed_job: str
    ) -> None:
        item = http.get(f"/v1/jobs/{mixed_job}/items/3").json()
        assert item["name"] == "3.png"
        assert item["status"] == "succeeded"
        assert item["label"] == item["top_k"][0]["label"]
        assert item["confidence"] == item["top_k"][0]["p"] >= item["top_k"][1]["p"]
        assert isinstance(item["uncertain"], bool)

    def test_a_bad_image_fails_alone_with_a_reason(self, http: httpx.Client, mixed_job: str) -> None:
        job = http.get(f"/v1/jobs/{mixed_job}").json()
        assert job["state"] == "partially_failed"
        assert (job["counts"]["succeeded"], job["counts"]["failed"]) == (5, 1)
        page = http.get(f"/v1/jobs/{mixed_job}/results?only=failed").json()
        (failed,) = page["data"]
        assert failed["name"] == "bad.png"
        assert failed["error"]["type"] == "undecodable-image"
        assert page["next_cursor"] is None

    def test_no_image_lies_beyond_what_json_holds(self, http: httpx.Client, mixed_job: str) -> None:
        answer = http.get(f"/v1/jobs/{mixed_job}/results?cursor={10**30}")
        assert answer.status_code == 422

    def test_only_uncertain_leaves_the_sure_ones_out(self, http: httpx.Client, mixed_job: str) -> None:
        every = http.get(f"/v1/jobs/{mixed_job}/results").json()["data"]
        unsure = http.get(f"/v1/jobs/{mixed_job}/results?only=uncertain").json()["data"]
        assert unsure == [item for item in every if item.get("uncertain")]

    def test_results_come_as_ndjson_and_csv(self, http: httpx.Client, mixed_job: str) -> None:
        path = f"/v1/jobs/{mixed_job}/results"
        page = http.get(path).json()["data"]
        ndjson = http.get(path, headers={"Accept": "application/x-ndjson"})
        assert [json.loads(line) for line in ndjson.text.splitlines()] == page
        assert ndjson.headers["inkqueue-complete"] == "true"
        csv = http.get(path, headers={"Accept": "text/csv"})
        head, first, *_, last = csv.text.splitlines()
        assert head == "index,name,status,label,confidence,uncertain,top_k,error,correction,flags,text"
        assert first.startswith(f"0,0.png,succeeded,{page[0]['label']},{page[0]['confidence']}")
        assert last == "5,bad.png,failed,,,,,undecodable-image,,,"

    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("application/json, text/csv;q=0.5", "application/json"),
            ("application/json;q=1, application/x-ndjson;q=0", "application/json"),
            ("text/csv;q=0, */*", "application/json"),
            ("application/json;q=0.2, TEXT/* ; Q=0.3", "text/csv; charset=utf-8"),
            ("text/html, application/x-ndjson;v=1;q=0.9", "application/x-ndjson"),
        ],
    )
    def test_results_come_as_they_are_liked_best(
        self, http: httpx.Client, mixed_job: str, accept: str, kind: str
    ) -> None:
        answer = http.get(f"/v1/jobs/{mixed_job}/results", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)

    def test_nothing_is_sent_that_is_not_wanted(self, http: httpx.Client, mixed_job: str) -> None:
        refused = {"Accept": "application/json;q=0, text/*;q=0.0, application/*;q=0"}
        answer = http.get(f"/v1/jobs/{mixed_job}/results", headers=refused)
        assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")

    def test_a_missing_item_is_not_found(self, http: httpx.Client, mixed_job: str) -> None:
        assert http.get(f"/v1/jobs/{mixed_job}/items/6").status_code == 404

    def test_a_charset_masks_before_the_softmax(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        images = npy_of(glyphs(47, rng))
        for charset, allowed in (("digits", "0123456789"), ("upper", LABELS[10:36]), ("O0", "O0")):
            job = submit(http, images, NPY, charset=charset, top_k=10)
            for item in http.get(f"/v1/jobs/{job}/results").json()["data"]:
                labels = [each["label"] for each in item["top_k"]]
                assert len(labels) == min(10, len(allowed))
                assert set(labels) <= set(allowed)
                if len(allowed) <= 10:
                    assert sum(each["p"] for each in item["top_k"]) == pytest.approx(1, abs=1e-5)


class TestImages:
    def test_a_kept_upload_is_given_back(self, http: httpx.Client, rng: np.random.Generator) -> None:
        data = pngs(1, rng)[0]
        job = submit(http, data, PNG, keep_images=True)
        assert http.get(f"/v1/jobs/{job}/items/0/image").content == data

    def test_an_image_that_was_read_is_gone_unless_kept(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        job = submit(http, pngs(1, rng)[0], PNG)
        answer = http.get(f"/v1/jobs/{job}/items/0/image")
        assert answer.status_code == 410
        assert answer.json()["type"] == "/problems/image-not-kept"

    def test_of_a_chunk_only_what_failed_is_left_unless_all_is_kept(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        files = {"good.png": pngs(1, rng)[0], "bad.png": BROKEN, "empty.png": b""}
        for keep, left in ((False, [None, BROKEN, None]), (True, list(files.values()))):
            job = submit(http, zip_of(files), ZIP, keep_images=keep)
            found = [http.get(f"/v1/jobs/{job}/items/{number}/image") for number in range(3)]
            assert [each.content if each.is_success else None for each in found] == left
            assert {each.status_code for each in found} <= {200, 410}


class TestEnding:
    def test_a_canceled_job_stops_and_keeps_what_was_read(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        images = np.tile(glyphs(100, rng), (200, 1, 1))
        job = http.post("/v1/jobs", content=npy_of(images), headers=NPY).json()["id"]
        assert http.post(f"/v1/jobs/{job}/cancel").status_code in (200, 202)
        state = http.get(f"/v1/jobs/{job}?wait=30").json()
        assert state["state"] == "canceled"
        assert state["counts"]["canceled"] > 0
        assert sum(state["counts"].values()) == 2 * len(images)
        last = http.get(f"/v1/jobs/{job}/items/{len(images) - 1}").json()
        assert last["status"] == "canceled"
        assert http.post(f"/v1/jobs/{job}/cancel").json()["state"] == "canceled"

    def test_only_the_failed_are_retried(self, http: httpx.Client, rng: np.random.Generator) -> None:
        files = {f"{number}.png": data for number, data in enumerate(pngs(3, rng))}
        sent = zip_of({"bad.png": BROKEN} | files)
        answer = http.post("/v1/jobs?expires_in=3600", content=sent, headers=ZIP | WAIT)
        job = answer.json()["id"]
        key = {"Idempotency-Key": "retried"}
        retried, again = (
            http.post(f"/v1/jobs/{job}/retry", json={"only": "failed"}, headers=key) for _ in range(2)
        )
        assert retried.status_code == 202
        child = retried.json()
        assert again.json()["id"] == child["id"]
        assert "idempotency-replayed" in again.headers
        assert (child["parent_id"], child["counts"]["total"]) == (job, 1)
        kept = [lifetime(http.get(f"/v1/jobs/{each}").json()) for each in (job, child["id"])]
        assert kept == [3600, 3600]
        http.get(f"/v1/jobs/{child['id']}?wait=30")
        item = http.get(f"/v1/jobs/{child['id']}/items/0").json()
        assert (item["name"], item["error"]["type"]) == ("bad.png", "undecodable-image")

    def test_an_empty_file_is_retried_with_the_other_failed(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        files = {f"{number}.png": data for number, data in enumerate(pngs(600, rng))}
        bad = {"empty.png": b"", "0.png": BROKEN, "599.png": BROKEN}
        job = submit(http, zip_of(files | bad), ZIP)
        child = http.post(f"/v1/jobs/{job}/retry").json()
        http.get(f"/v1/jobs/{child['id']}?wait=30")
        page = http.get(f"/v1/jobs/{child['id']}/results").json()["data"]
        assert [item["name"] for item in page] == ["0.png", "599.png", "empty.png"]
        assert {item["error"]["type"] for item in page} == {"undecodable-image"}

    def test_a_retry_is_for_the_network_that_is_served_now(
        self, http: httpx.Client, services: Services
    ) -> None:
        job = submit(http, zip_of({"bad.png": BROKEN}), ZIP)
        with redis.Redis.from_url(services.redis_url) as client:
            client.hset(f"ink:job:anonymous/{job}", mapping={"labels": "yx", "weights": "old"})
            child = http.post(f"/v1/jobs/{job}/retry").json()["id"]
            told = client.hmget(f"ink:job:anonymous/{child}", "labels", "weights")
            card = read_cards()["balanced"]
            assert told == [card.labels.encode(), card.sha256.encode()]
            retired = json.dumps({"model": "retired"})
            client.hset(f"ink:job:anonymous/{job}", "options", retired)
            answer = http.post(f"/v1/jobs/{job}/retry")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-model")

    def test_nothing_to_retry_is_said(self, http: httpx.Client, rng: np.random.Generator) -> None:
        job = submit(http, pngs(1, rng)[0], PNG)
        answer = http.post(f"/v1/jobs/{job}/retry")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/nothing-to-retry")

    def test_a_deleted_job_is_not_found(self, http: httpx.Client, mixed_job: str) -> None:
        assert http.delete(f"/v1/jobs/{mixed_job}").status_code == 204
        assert http.get(f"/v1/jobs/{mixed_job}").status_code == 404
        assert http.delete(f"/v1/jobs/{mixed_job}").status_code == 404

    def test_an_unfinished_job_is_not_deleted(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        images = np.tile(glyphs(100, rng), (200, 1, 1))
        job = http.post("/v1/jobs", content=npy_of(images), headers=NPY).json()["id"]
        answer = http.delete(f"/v1/jobs/{job}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-active")
        assert answer.headers["retry-after"] == "1"
        retried = http.post(f"/v1/jobs/{job}/retry")
        assert (retried.status_code, retried.json()["type"]) == (409, "/problems/job-not-finished")
        http.post(f"/v1/jobs/{job}/cancel")


class TestPredicting:
    def test_one_image_is_answered_at_once(self, http: httpx.Client, rng: np.random.Generator) -> None:
        answer = http.post("/v1/predictions?model=digits", content=pngs(8, rng)[7], headers=PNG | WAIT)
        assert answer.status_code == 200
        assert answer.json()["label"] == "7"
        stored = http.get(answer.headers["content-location"]).json()
        assert stored["label"] == "7"

    def test_a_bad_image_is_a_problem(self, http: httpx.Client) -> None:
        answer = http.post("/v1/predictions", content=BROKEN, headers=PNG | WAIT)
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/undecodable-image"

    def test_what_is_told_at_once_is_what_is_stored(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        for file, status in ((pngs(8, rng)[7], 200), (BROKEN, 422)):
            body, key = json_of({"mine.png": file}), {"Idempotency-Key": f"told-{status}"}
            headers = {"Content-Type": "application/json"} | key | WAIT
            told = http.post("/v1/predictions?top_k=2", content=body, headers=headers)
            again = http.post("/v1/predictions?top_k=2", content=body, headers=headers)
            assert (told.status_code, again.status_code) == (status, status)
            assert told.json() == again.json()
            if status == 200:
                stored = http.get(told.headers["content-location"]).json()
                assert stored["name"] == "mine.png"
                assert stored.items() <= told.json().items()
                assert again.headers["idempotency-replayed"] == "true"
                assert "idempotency-replayed" not in told.headers

    def test_a_key_whose_job_is_gone_needs_to_be_another(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        image, headers = pngs(1, rng)[0], PNG | WAIT | {"Idempotency-Key": "gone"}
        told = http.post("/v1/predictions", content=image, headers=headers).raise_for_status()
        http.delete(f"/v1/jobs/{told.json()['job_id']}").raise_for_status()
        again = http.post("/v1/predictions", content=image, headers=headers)
        assert (again.status_code, again.json()["type"]) == (410, "/problems/job-expired")
        assert "use another" in again.json()["detail"]

    def test_a_key_whose_job_was_canceled_needs_to_be_another(
        self, tmp_path: Path, rng: np.random.Generator
    ) -> None:
        headers = PNG | {"Idempotency-Key": "canceled", "Prefer": "wait=0"}
        with running_services(tmp_path) as own, httpx.Client(base_url=own.url, timeout=20) as http:
            own.wait_answering(own.spawn("api"))
            image = pngs(1, rng)[0]
            job = http.post("/v1/predictions", content=image, headers=headers).json()["id"]
            http.post(f"/v1/jobs/{job}/cancel").raise_for_status()
            again = http.post("/v1/predictions", content=image, headers=headers)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/item-pending")
        assert "use another Idempotency-Key" in again.json()["detail"]

    def test_several_images_are_refused(self, http: httpx.Client, rng: np.random.Generator) -> None:
        answer = http.post("/v1/predictions", content=npy_of(glyphs(2, rng)), headers=NPY)
        assert answer.json()["type"] == "/problems/single-image-expected"

    def test_respond_async_does_not_wait(self, http: httpx.Client, rng: np.random.Generator) -> None:
        headers = PNG | {"Prefer": "respond-async"}
        answer = http.post("/v1/predictions", content=pngs(1, rng)[0], headers=headers)
        assert answer.status_code in (200, 202)
        assert "counts" in answer.json() or answer.status_code == 200


class TestService:
    def test_models_tell_what_they_are(self, http: httpx.Client) -> None:
        models = {model["name"]: model for model in http.get("/v1/models").json()}
        assert models["balanced"]["labels"] == LABELS
        assert models["digits"]["labels"] == "0123456789"
        assert models["balanced"]["accuracy"]["top1"] >= 0.885
        assert models["digits"]["accuracy"]["top1"] >= 0.993

    def test_health_and_readiness(self, http: httpx.Client) -> None:
        assert http.get("/healthz").json() == {"status": "ok"}
        ready = http.get("/readyz").json()
        assert ready["status"] == "ready"
        assert ready["workers"][0]["models"] == ",".join(read_cards())

    def test_metrics_count_jobs_images_and_answers(
        self, http: httpx.Client, rng: np.random.Generator
    ) -> None:
        submit(http, pngs(1, rng)[0], PNG)
        text = http.get("/metrics").text
        for name in (
            "inkqueue_jobs_accepted_total",
            "inkqueue_images_succeeded_total",
            'inkqueue_queued_images{lane="bulk",model="balanced"}',
            "inkqueue_workers 1.0",
            'inkqueue_http_requests_total{method="POST",route="/v1/jobs",status="200"}',
            "inkqueue_http_request_duration_seconds_bucket",
        ):
            assert name in text

    def test_openapi_describes_every_path(self, http: httpx.Client) -> None:
        document = http.get("/openapi.json").json()
        for path in (
            "/v1/jobs",
            "/v1/jobs/{job_id}",
            "/v1/jobs/{job_id}/results",
            "/v1/jobs/{job_id}/items/{index}",
            "/v1/jobs/{job_id}/items/{index}/image",
            "/v1/jobs/{job_id}/items/{index}/preview.png",
            "/v1/jobs/{job_id}/cancel",
            "/v1/jobs/{job_id}/retry",
            "/v1/jobs/{job_id}/deliveries",
            "/v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver",
            "/v1/predictions",
            "/v1/webhooks",
            "/v1/webhooks/{webhook_id}",
            "/v1/webhooks/{webhook_id}/secret",
            "/v1/models",
        ):
            assert path in document["paths"]
        for path in ("/v1/jobs", "/v1/predictions"):
            given = document["paths"][path]["post"]["parameters"]
            names = {each["name"].lower() for each in given}
            assert {"model", "charset", "top_k", "normalize", "priority", "expires_in"} <= names
            assert {"idempotency-key", "prefer"} <= names

    def test_problems_are_explained(self, http: httpx.Client) -> None:
        refused = http.post("/v1/jobs", content=b"", headers=PNG).json()
        assert http.get(refused["type"]).json()["title"] == refused["title"]
