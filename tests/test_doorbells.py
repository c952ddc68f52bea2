"""What lies in a Celery queue and is no doorbell: workers and senders outlive it and run none of it."""

import base64
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from worker.app import create_app
from worker.ledger.doorbell import SENDER_QUEUE, is_doorbell, message, queue, sender_message

from samples import pngs, zip_of
from services import Services, running_services

MODEL = "digits-nano"
HOOK = Path(__file__).parent / "audited"


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


def doorbell(**changes: Any) -> dict[str, Any]:
    return json.loads(message(MODEL).replace(b"@TAG@", b"x-1")) | changes  # type: ignore[no-any-return]


def encoded(body: Any) -> str:
    return base64.b64encode(json.dumps(body).encode()).decode()


def hostile(canary: Path) -> dict[str, bytes]:
    bell = doorbell()
    headers, properties = bell["headers"], bell["properties"]
    pickled = base64.b64encode(pickle.dumps(Touch(canary))).decode()
    kinds: dict[str, Any] = {
        "a pickle": bell | {"content-type": "application/x-python-serialize", "body": pickled},
        "a pickle, encoded as data": bell
        | {"content-type": "application/data", "content-encoding": "binary", "body": pickled},
        "a pickle that says it is JSON": bell | {"body": pickled},
        "YAML": bell | {"content-type": "application/x-yaml", "body": encoded("!!python/none")},
        "another task": bell | {"headers": headers | {"task": "os.system"}},
        "another model": bell | {"body": encoded([["../../etc"], {}, {}])},
        "no arguments": bell | {"body": encoded([[], {}, {}])},
        "a body of another shape": bell | {"body": encoded({"a": 1})},
        "a callback": bell
        | {"body": encoded([[MODEL], {}, {"callbacks": [{"task": "os.system"}], "chord": 7}])},
        "a body that is not base64": bell | {"body": "%%%"},
        "a body that is a number": bell | {"body": 7},
        "no body": {name: value for name, value in bell.items() if name != "body"},
        "no headers": {name: value for name, value in bell.items() if name != "headers"},
        "headers that are a list": bell | {"headers": [1]},
        "no properties": {name: value for name, value in bell.items() if name != "properties"},
        "properties that are null": bell | {"properties": None},
        "no delivery tag": bell | {"properties": {}},
        "a tag that is a list": bell | {"properties": properties | {"delivery_tag": [1]}},
        "a reply wanted": bell | {"properties": properties | {"reply_to": "x", "correlation_id": 7}},
        "a compression": bell | {"headers": headers | {"compression": "application/x-bz2"}},
        "a time limit": bell | {"headers": headers | {"timelimit": ["a", "b"]}},
        "a time that is none": bell | {"headers": headers | {"eta": "yesterday", "expires": []}},
        "an id that is a number": bell | {"headers": headers | {"id": 7, "root_id": None}},
        "a list": [],
        "a number": 7,
        "null": None,
        "text": "drain",
    }
    raw = {name: json.dumps(value).encode() for name, value in kinds.items()}
    raw |= {
        "raw pickle": pickle.dumps(Touch(canary)),
        "no JSON": b"{",
        "nothing": b"",
        "no text": b"\xff\xfe\x00",
        "NaN": b"NaN",
        "JSON in JSON in JSON": b"[" * 100_000 + b"]" * 100_000,
    }
    return raw


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes note every unpickling, and that they watch for it."""
    return tmp_path_factory.mktemp("audited") / "log"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, notes: Path) -> Iterator[Services]:
    with running_services(
        tmp_path_factory.mktemp("doorbells"),
        INKQUEUE_MODELS=MODEL,
        INKQUEUE_LOG_LEVEL="error",
        PYTHONPATH=os.pathsep.join([str(HOOK), str(HOOK.parent.parent)]),
        AUDIT_LOG=str(notes),
    ) as running:
        for module in ("api", "worker", "worker.sender"):
            running.spawn(module)
        running.wait_ready()
        yield running


def test_our_own_bells_are_told_from_others(tmp_path: Path) -> None:
    assert is_doorbell(json.loads(message(MODEL)))
    assert is_doorbell(json.loads(sender_message()))
    assert is_doorbell(doorbell())
    taken = []
    for kind, raw in hostile(tmp_path / "run").items():
        with suppress(ValueError, RecursionError):
            taken += [kind] if is_doorbell(json.loads(raw)) else []
    assert taken == ["another model", "no arguments", "a reply wanted"]  # which fail as tasks


def drained(client: redis.Redis, name: str, what: str) -> None:
    end = time.monotonic() + 30
    while client.llen(name):
        assert time.monotonic() < end, f"nobody takes from {name} after {what}"
        time.sleep(0.02)


def test_only_json_is_accepted() -> None:
    app = create_app()
    assert list(app.conf.accept_content) == ["json"]
    assert list(app.conf.result_accept_content or ["json"]) == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.worker_enable_remote_control is False


def test_processes_outlive_whatever_lies_in_their_queues(stack: Services, tmp_path: Path) -> None:
    canary = tmp_path / "run"
    with redis.Redis.from_url(stack.redis_url) as client:
        for kind, raw in hostile(canary).items():
            for name in (queue(MODEL), SENDER_QUEUE):
                client.lpush(name, raw)
            for name in (queue(MODEL), SENDER_QUEUE):
                drained(client, name, kind)
            assert [process.poll() for process in stack.processes] == [None] * 3, kind
        client.lpush(queue(MODEL), message(MODEL).replace(b"@TAG@", b"x-2"))
        client.lpush(SENDER_QUEUE, sender_message().replace(b"@TAG@", b"x-3"))
        for name in (queue(MODEL), SENDER_QUEUE):
            drained(client, name, "all of them")
    time.sleep(0.2)
    assert [process.poll() for process in stack.processes] == [None] * 3
    assert not canary.exists()


def test_and_read_as_quickly_as_before(stack: Services, rng: np.random.Generator) -> None:
    headers, took = {"Content-Type": "image/png", "Prefer": "wait=20"}, []
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        for image in pngs(8, rng):
            answer = http.post("/v1/jobs", params={"model": MODEL}, content=image, headers=headers)
            assert answer.status_code == 200
            took.append(answer.elapsed.total_seconds())
    assert min(took[1:]) < 0.4  # what no doorbell told of waits for 0.5 s, but for the first


def test_and_unpickle_nothing_meanwhile_nor_in_the_whole_life_of_a_job(
    stack: Services, notes: Path, rng: np.random.Generator
) -> None:
    files = {f"{number}.png": data for number, data in enumerate(pngs(5, rng))} | {"bad.png": b"x"}
    with httpx.Client(base_url=stack.url, timeout=60) as http:
        query = {"model": MODEL, "keep_images": "true"}
        headers = {"Content-Type": "application/zip", "Prefer": "wait=30"}
        job = http.post("/v1/jobs", params=query, content=zip_of(files), headers=headers)
        assert job.json()["state"] == "partially_failed"
        place = job.headers["location"]
        for path in ("/results?format=csv", "/items/0/preview.png", "/events", "/export?what=all"):
            assert http.get(f"{place}{path}").status_code == 200
        assert http.post(f"{place}/retry").status_code == 202
        assert http.delete(place).status_code == 204
    said = notes.read_text().splitlines()
    watched = {int(line.split()[0]) for line in said if line.endswith(" watched")}
    assert {process.pid for process in stack.processes} <= watched
    assert [line for line in said if not line.endswith(" watched")] == []


def test_the_watch_sees_an_unpickling(tmp_path: Path) -> None:
    code = "import collections, pickle; pickle.loads(pickle.dumps(collections.Counter))"
    environment = os.environ | {"PYTHONPATH": str(HOOK), "AUDIT_LOG": str(tmp_path / "log")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert "pickle.find_class ('collections', 'Counter')" in (tmp_path / "log").read_text()
