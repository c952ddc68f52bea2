"""No secret is told: not in what any process logs at its most talkative, in metrics, nor in problems."""

import base64
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
import redis

from api.auth.credentials import digest
from worker.embedded import free_port

from hostile_files import png_chunk, png_of
from receivers import Receiver, running_receiver, status
from samples import json_of, pngs, zip_of
from services import Services, new_key, running_redis
from waiting import until

INSIDE = b"bytes-of-an-image"
IMAGE = png_of(28, 28, png_chunk(b"tEXt", b"Comment\0" + INSIDE), pixels=bytes(29 * 28))
MARKS = ("a-name-of-a-file", "what-a-caller-notes", "token-in-a-url", "an-idempotency-key")
NAME, NOTE, TOKEN, ONCE = MARKS
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass
class Told:
    """What a run said: logs of every process, answers that anybody may get; and what is secret."""

    log: bytes = b""
    open: bytes = b""
    secrets: list[str] = field(default_factory=list)


@contextmanager
def logging_stack(folder: Path, url: str, **settings: str) -> Iterator[tuple[Services, Path]]:
    """A gateway, a worker and a sender whose every word goes to a file."""
    port, log = free_port(), folder / "log"
    environment = {"REDIS_URL": url, "INKQUEUE_PORT": str(port), "INKQUEUE_MODELS": "digits-nano"}
    environment |= {"INKQUEUE_LOG_LEVEL": "debug", "INKQUEUE_WEBHOOK_PRIVATE": "true", **settings}
    services = Services(url, f"http://127.0.0.1:{port}", environment)
    with log.open("wb") as file:
        for module in ("api", "worker", "worker.sender"):
            services.spawn(module, file)
        try:
            services.wait_ready()
            yield services, log
        finally:  # without Redis they would take their time to say goodbye
            for process in services.processes:
                process.kill()
                process.wait()


@pytest.fixture(scope="module", params=["text", "json"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("secrets")
    key, line = new_key()
    wrong, _ = new_key()
    found = Told(secrets=[key, wrong, key[13:], wrong[13:], digest(key), INSIDE.decode(), *MARKS])
    found.secrets.append(base64.b64encode(INSIDE[3:-2]).decode().rstrip("="))
    settings = {"INKQUEUE_LOG": str(request.param), "INKQUEUE_API_KEYS": line}
    with running_redis(folder / "redis") as url:
        found.secrets.append(httpx.URL(url).password)
        with (
            logging_stack(folder, url, **settings) as (services, log),
            running_receiver(status(500)) as receiver,
            httpx.Client(base_url=services.url, timeout=60) as http,
        ):
            mine = {"Authorization": f"Bearer {key}"}
            use(http, found, mine, receiver)
            refuse(http, found, key, wrong)
            fail(http, found, services, mine)
        found.log = log.read_bytes()
    return found


def use(http: httpx.Client, found: Told, mine: dict[str, str], receiver: Receiver) -> None:
    """What a caller does with a key, image files and webhooks."""
    hook = http.post("/v1/webhooks", json={"url": f"{receiver.url}/{TOKEN}?key={TOKEN}"}, headers=mine)
    turned = http.post(f"/v1/webhooks/{hook.json()['id']}/secret", headers=mine)
    callback = http.post("/v1/webhooks/callback/secret", headers=mine)
    made = [each.json()["secret"] for each in (hook, turned, callback)]
    found.secrets += [*made, *(secret.removeprefix("whsec_") for secret in made)]
    good = pngs(1, np.random.default_rng(1))[0]
    files = {f"{NAME}.png": good, f"{NAME}-2.png": IMAGE, f"{NAME}-3.png": b"\x89PNG" + INSIDE}
    query = {"metadata": f'{{"note": "{NOTE}"}}', "callback_url": f"{receiver.url}/{TOKEN}"}
    once = {"Idempotency-Key": ONCE, "Prefer": "wait=20"}
    query |= {"model": "digits-nano", "keep_images": "true"}
    for content, kind in ((zip_of(files), "zip"), (json_of(files), "json")):
        headers = mine | once | {"Content-Type": f"application/{kind}", "Idempotency-Key": ONCE + kind}
        answer = http.post("/v1/jobs", params=query, content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        for rest in ("", "/results", "/items/1/image", "/deliveries", "/events"):
            http.get(answer.headers["location"] + rest, headers=mine)
    forms = {"X-API-Key": mine["Authorization"].split()[1]}
    parts = [("files", (f"{NAME}.png", IMAGE, "image/png"))]
    assert http.post("/v1/jobs?model=digits-nano", files=parts, headers=forms).status_code == 202
    receiver.wait()


def refuse(http: httpx.Client, found: Told, key: str, wrong: str) -> None:
    """What is refused: wrong keys, keys in the wrong place, bodies that cannot be read."""
    for headers, path in (
        ({"Authorization": f"Bearer {wrong}"}, "/v1/jobs"),
        ({"Authorization": f"Basic {wrong}"}, "/v1/jobs"),
        ({"X-API-Key": f"{key}x"}, "/v1/jobs"),
        ({}, f"/v1/jobs?api_key={key}"),
    ):
        answer = http.get(path, headers=headers)
        assert answer.status_code == 401
        found.open += answer.content
    mine = {"Authorization": f"Bearer {key}"}
    http.get(f"/v1/jobs/{key}", headers=mine)  # in the path, of all places
    http.get("/v1/jobs/%0d%0aforged%1b%5b31m", headers=mine)
    json = {"Content-Type": "application/json"}
    for headers, content in ((json, b'{"images": "' + INSIDE), ({"Content-Type": "image/png"}, INSIDE)):
        answer = http.post("/v1/jobs", content=content, headers=mine | headers)
        found.open += answer.content
    found.open += http.get("/metrics").content + http.get("/readyz").content


def fail(http: httpx.Client, found: Told, services: Services, mine: dict[str, str]) -> None:
    """Redis goes away, and everybody says so."""
    with redis.Redis.from_url(services.redis_url) as client:
        os.kill(int(client.info("server")["process_id"]), signal.SIGTERM)
    time.sleep(1.5)
    until(lambda: http.get("/v1/jobs", headers=mine).status_code == 503)
    found.open += http.get("/v1/jobs", headers=mine).content


def test_logs_say_much_and_no_secret(told: Told) -> None:
    text = told.log.decode(errors="replace")
    assert text.count("job accepted") >= 3
    assert "redis" in text.lower()
    assert [secret for secret in told.secrets if secret in text] == []


def test_a_log_is_lines_of_text(told: Told) -> None:
    assert b"forged" in told.log
    assert CONTROL.findall(told.log) == []


def test_what_anybody_may_see_holds_no_secret(told: Told) -> None:
    assert b"unauthorized" in told.open
    assert b"inkqueue_" in told.open
    assert [secret for secret in told.secrets if secret.encode() in told.open] == []
