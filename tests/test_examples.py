"""The examples of /docs: each operation has some, they keep to the schemas, and a gateway answers so."""

import csv
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from api.app import create_app
from api.csv_rows import COLUMNS
from api.openapi.bodies import IMAGE_BODY, JOB_BODY
from api.openapi.examples import ANSWERS, BODIES, CSV, EVENTS, METRICS, NDJSON, PREDICTION
from api.schemas.events import ProgressEvent, ResultEvent
from api.schemas.jobs import ItemOut, JobOut
from api.settings import GatewaySettings

JSON = "application/json"
BINARY = ("image/", "application/zip", "application/octet-stream")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(GatewaySettings()).openapi()


def described(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where it stands, its media type and what is said of it: each successful answer, each JSON body."""
    for path, operations in (document["paths"] | document["webhooks"]).items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for status, response in operation["responses"].items():
                for media, content in response.get("content", {}).items():
                    if status < "300":
                        yield f"{name} {status}", media, content
            body = operation.get("requestBody", {}).get("content", {})
            if JSON in body:
                yield name, JSON, body[JSON]


def test_every_answer_and_every_json_body_has_an_example(document: dict[str, Any]) -> None:
    found = [each for each in described(document) if not each[1].startswith(BINARY)]
    assert len(found) > 35
    assert [(name, media) for name, media, content in found if "example" not in content] == []


def test_every_example_keeps_to_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for name, media, content in described(document):
        if media != JSON:
            continue
        schema = {"components": document["components"]} | content["schema"]
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        assert [str(error) for error in validator.iter_errors(content["example"])] == [], name
        checked += 1
    assert checked > 30


def test_the_example_of_a_stream_has_its_events() -> None:
    events = [dict(line.split(": ", 1) for line in each.splitlines()) for each in EVENTS.split("\n\n")]
    given = {event["event"]: event["data"] for event in events if event}
    ProgressEvent.model_validate_json(given["progress"])
    assert len(ResultEvent.model_validate_json(given["result"]).data) == 2
    assert JobOut.model_validate_json(given["completed"]).state.final


def test_the_examples_of_tables_are_results() -> None:
    items = [ItemOut.model_validate_json(line) for line in NDJSON.splitlines()]
    head, *rows = csv.reader(CSV.splitlines())
    assert tuple(head) == COLUMNS
    assert [row[1] for row in rows] == [item.name for item in items]


def test_the_example_of_an_image_is_read_as_the_example_of_its_answer(http: httpx.Client) -> None:
    answer = http.post("/v1/predictions", json=IMAGE_BODY["content"][JSON]["example"]).json()
    assert answer.keys() == PREDICTION.keys()
    said = ("index", "name", "status", "label", "uncertain", "flags", "model")
    assert [answer[name] for name in said] == [PREDICTION[name] for name in said]


def test_a_gateway_answers_as_the_examples_do(http: httpx.Client) -> None:
    sent = http.post(
        "/v1/jobs", json=JOB_BODY["content"][JSON]["example"], headers={"Prefer": "wait=30"}
    )
    made = http.post("/v1/webhooks", json=BODIES["POST /v1/webhooks"])
    assert keys(sent.json()) == keys(ANSWERS["POST /v1/jobs"]["200"])
    assert keys(made.json()) == keys(ANSWERS["POST /v1/webhooks"]["201"])
    place = {
        "job_id": sent.json()["id"],
        "index": 0,
        "webhook_id": made.json()["id"],
        "slug": "queue-full",
    }
    for name, answers in ANSWERS.items():
        method, path = name.split()
        if method == "GET":
            answer = http.get(path.format(**place)).json()
            assert keys(answer) == keys(answers["200"]), name
    for name in ("PATCH /v1/jobs/{job_id}/items/{index}/correction", "PATCH /v1/webhooks/{webhook_id}"):
        answer = http.patch(name.split()[1].format(**place), json=BODIES[name]).json()
        assert keys(answer) == keys(ANSWERS[name]["200"]), name
    assert http.delete(made.headers["location"]).status_code == 204


def test_the_example_of_metrics_is_part_of_them(http: httpx.Client) -> None:
    assert METRICS in http.get("/metrics").text


def keys(answer: Any) -> set[str]:
    """The names in an answer; of a list, in its first member."""
    return set(answer[0] if isinstance(answer, list) else answer)
