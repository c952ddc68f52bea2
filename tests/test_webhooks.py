"""Webhooks from a job's end to a receiver that verifies them, on real processes that may be killed."""

import asyncio
import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest
import redis
from typer.testing import CliRunner

from api.cli import app
from api.client import AsyncClient, Client, ProblemError
from api.client.webhooks import AsyncWebhooks, Webhooks
from worker.webhooks.events import Event

from jobs import finished
from ledgers import pass_over
from receivers import OK, babble, drip, hang, pour, running_receiver, status
from samples import glyphs, npy_of, pngs
from services import READY_S, Services, lone_gateway, on_empty_redis, running_services
from waiting import until

NPY, PNG = {"Content-Type": "application/x-npy"}, {"Content-Type": "image/png"}
TIMEOUT_S = 1.5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway, a worker and a sender that may send to loopback, and whose schedule is short."""
    with running_services(
        tmp_path_factory.mktemp("webhooks"),
        INKQUEUE_WEBHOOK_PRIVATE="true",
        INKQUEUE_WEBHOOK_SCHEDULE_S="0.2,0.4,0.6",
        INKQUEUE_WEBHOOK_TIMEOUT_S=str(TIMEOUT_S),
    ) as running:
        for module in ("api", "worker", "worker.sender"):
            running.spawn(module)
        running.wait_ready()
        yield running


@pytest.fixture
def http(stack: Services) -> Iterator[httpx.Client]:
    """A client of that gateway; endpoints that a test registers go with it."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client
        for hook in client.get("/v1/webhooks").json()["data"]:
            client.delete(f"/v1/webhooks/{hook['id']}")


def register(http: httpx.Client, url: str, **more: Any) -> tuple[str, str]:
    """Id and secret of a new endpoint."""
    answer = http.post("/v1/webhooks", json={"url": url} | more)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/webhooks/{answer.json()['id']}"
    return answer.json()["id"], answer.json()["secret"]


def run_job(http: httpx.Client, **query: str) -> str:
    """The id of a job that was read."""
    return finished(http, pngs(1, np.random.default_rng(1))[0], "image/png", **query)


def deliveries(http: httpx.Client, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(f"/v1/jobs/{job}/deliveries").json()["data"]
    return found


def errors(http: httpx.Client, job: str) -> list[dict[str, Any]]:
    """The attempts of a job's deliveries that had no answer."""
    attempts = [attempt for each in deliveries(http, job) for attempt in each["attempts"]]
    return [attempt for attempt in attempts if attempt["error"]]


def wait_over(http: httpx.Client, job: str, seconds: float = 20) -> dict[str, Any]:
    """The one delivery of a job, once it is over."""
    until(lambda: all(each["state"] != "pending" for each in deliveries(http, job)), seconds)
    (delivery,) = deliveries(http, job)
    return delivery


def dead_port() -> int:
    """A port of the loopback that nobody listens on."""
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_the_end_of_a_job_is_told_and_the_published_library_believes_it(http: httpx.Client) -> None:
    with running_receiver() as receiver:
        hook, secret = register(http, receiver.url)
        job = run_job(http)
        (message,) = receiver.wait()
        told = message.verified(secret)
        counts = http.get(f"/v1/jobs/{job}").json()["counts"]
        assert told["type"] == "job.completed"
        assert told["data"] == {"id": job, "state": "succeeded", "counts": counts}
        assert len(message.body) < 1000
        delivery = wait_over(http, job)
    assert (delivery["id"], delivery["webhook_id"], delivery["reason"]) == (message.id, hook, None)
    assert [each["status"] for each in delivery["attempts"]] == [200]
    assert http.get(f"/v1/webhooks/{hook}/deliveries").json()["data"] == [delivery]
    assert http.get(f"/v1/webhooks/{hook}").json()["last_delivered_at"] is not None


def test_a_message_is_what_the_reference_says(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    assert document["webhooks"].keys() == set(Event)
    with running_receiver() as receiver:
        register(http, receiver.url)
        run_job(http)
        (message,) = receiver.wait()
    told = document["webhooks"]["job.completed"]["post"]
    ((media, content),) = told["requestBody"]["content"].items()
    assert message.headers["content-type"] == media
    headers = {each["name"]: each["schema"] for each in told["parameters"]}
    assert headers.keys() == {name for name in message.headers if name.startswith("webhook-")}
    assert message.headers["webhook-timestamp"].isdecimal()
    assert headers["webhook-timestamp"]["type"] == "integer"
    schema = {"components": document["components"]} | content["schema"]
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    body = json.loads(message.body)
    validator.validate(body)
    assert body.keys() == content["example"].keys()
    assert body["data"].keys() == content["example"]["data"].keys()


def test_endpoints_hear_of_what_they_asked_for_only(http: httpx.Client) -> None:
    with running_receiver() as wants, running_receiver() as other:
        register(http, wants.url, events=["job.failed"])
        register(http, other.url, events=["job.completed", "job.canceled"])
        http.post("/v1/jobs", content=b"\x89PNG\r\n\x1a\n cut off", headers=PNG)
        (message,) = wants.wait()
        assert b'"job.failed"' in message.body
        run_job(http)
        other.wait()
        assert len(wants.messages) == len(other.messages) == 1


def test_a_callback_is_signed_with_the_callers_own_secret(http: httpx.Client) -> None:
    http.delete("/v1/webhooks/callback")
    with running_receiver() as receiver:
        query = {"callback_url": receiver.url.replace("127.0.0.1", "localhost")}
        refused = http.post("/v1/jobs", params=query, content=b"\x89PNG\r\n\x1a\n", headers=PNG)
        assert refused.json()["type"] == "/problems/callback-secret-needed"
        secret = http.post("/v1/webhooks/callback/secret").json()["secret"]
        job = run_job(http, **query)
        assert http.get(f"/v1/jobs/{job}").json()["callback_url"] == query["callback_url"]
        (message,) = receiver.wait()
        assert message.verified(secret)["data"]["id"] == job
        assert wait_over(http, job)["webhook_id"] == "callback"


def test_both_secrets_sign_while_one_takes_over(http: httpx.Client) -> None:
    with running_receiver() as receiver:
        hook, old = register(http, receiver.url)
        new = http.post(f"/v1/webhooks/{hook}/secret?overlap=60").json()
        assert new["previous_valid_until"]
        run_job(http)
        receiver.wait()[0].verified(old)
        receiver.messages[0].verified(new["secret"])
        early = http.post(f"/v1/webhooks/{hook}/secret?overlap=60")
        assert (early.status_code, early.json()["type"]) == (409, "/problems/secrets-overlap")
        promised = datetime.fromisoformat(early.json()["previous_valid_until"])
        assert promised == datetime.fromisoformat(new["previous_valid_until"])
        assert http.post(f"/v1/webhooks/{hook}/secret?overlap=604801").status_code == 422
        last = http.post(f"/v1/webhooks/{hook}/secret?overlap=0").json()
        assert last["previous_valid_until"] is None
        run_job(http)
        message = receiver.wait(2)[1]
        message.verified(last["secret"])
        assert message.headers["webhook-signature"].count("v1,") == 1


def test_what_failed_is_tried_again_under_the_same_id(http: httpx.Client) -> None:
    with running_receiver(status(500), babble, OK) as receiver:
        _, secret = register(http, receiver.url)
        job = run_job(http)
        messages = receiver.wait(3)
        assert len(set(receiver.ids())) == 1
        assert [each.verified(secret)["data"]["id"] for each in messages] == [job] * 3
        delivery = wait_over(http, job)
    assert delivery["state"] == "delivered"
    assert [each["status"] for each in delivery["attempts"]] == [500, None, 200]
    assert delivery["attempts"][1]["error"] == "it did not answer in HTTP"


def test_a_receiver_that_says_when_is_asked_then(http: httpx.Client) -> None:
    with running_receiver(status(503, "Retry-After: 1"), OK) as receiver:
        register(http, receiver.url)
        run_job(http)
        first, second = receiver.wait(2)
        assert second.at - first.at >= 1


def test_gone_disables_the_endpoint_until_it_is_enabled(http: httpx.Client) -> None:
    with running_receiver(status(410), OK) as receiver:
        hook, _ = register(http, receiver.url)
        job = run_job(http)
        assert wait_over(http, job)["reason"] == "the receiver answered 410 Gone"
        shown = http.get(f"/v1/webhooks/{hook}").json()
        assert (shown["enabled"], shown["disabled_reason"]) == (False, "the receiver answered 410 Gone")
        again = f"/v1/jobs/{job}/deliveries/{receiver.ids()[0]}/redeliver"
        assert http.post(again).json()["type"] == "/problems/webhook-disabled"
        run_job(http)
        assert http.patch(f"/v1/webhooks/{hook}", json={"enabled": True}).json()["enabled"]
        assert http.post(again).status_code == 202
        assert wait_over(http, job)["state"] == "delivered"
        assert receiver.ids() == receiver.ids()[:1] * 2


def test_a_dead_receiver_is_given_up_in_the_end(http: httpx.Client) -> None:
    hook, _ = register(http, f"http://127.0.0.1:{dead_port()}/")
    job = run_job(http)
    delivery = wait_over(http, job)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 4)
    assert {each["error"] for each in delivery["attempts"]} == {"it could not be connected to"}
    assert not http.get(f"/v1/webhooks/{hook}").json()["enabled"]


def test_no_redirect_is_followed(http: httpx.Client) -> None:
    with running_receiver() as inside:
        answers = [status(code, f"Location: {inside.url}") for code in (301, 302, 307, 308)]
        with running_receiver(*answers) as receiver:
            register(http, receiver.url)
            delivery = wait_over(http, run_job(http))
        assert [each["status"] for each in delivery["attempts"]] == [301, 302, 307, 308]
        assert inside.connections == 0


def test_an_endless_answer_is_cut(http: httpx.Client) -> None:
    with running_receiver(pour) as receiver:
        register(http, receiver.url)
        delivery = wait_over(http, run_job(http))
        until(lambda: receiver.poured)
    assert delivery["state"] == "delivered"
    assert receiver.poured < 100 << 20  # what is on its way, and not what a second and a half would take


def test_hostile_receivers_hold_up_neither_predictions_nor_others(
    http: httpx.Client, stack: Services, rng: np.random.Generator
) -> None:
    image = pngs(1, rng)[0]

    def times_ms() -> list[float]:
        times = []
        for _ in range(15):
            began = time.perf_counter()
            answer = http.post("/v1/predictions", content=image, headers=PNG | {"Prefer": "wait=20"})
            assert answer.status_code == 200
            times.append(1000 * (time.perf_counter() - began))
        return sorted(times)

    before = times_ms()
    with running_receiver(hang) as silent, running_receiver(drip) as slow, running_receiver() as good:
        for receiver in (silent, slow, good):
            register(http, receiver.url)
        jobs = [run_job(http) for _ in range(10)]
        silent.wait()
        during = times_ms()
        good.wait(10)
        # As many at a time as one receiver may have, for all the messages that wait for it. The first
        # began before they were heard, so that the next may have begun already.
        assert silent.connections <= 4 * (2 + (time.monotonic() - silent.messages[0].at) // TIMEOUT_S)
        slowly, *_ = until(lambda: [each for job in jobs for each in errors(http, job)])
    assert slowly["error"] == "it took too long"
    assert TIMEOUT_S * 1000 <= slowly["took_ms"] < 10 * TIMEOUT_S * 1000
    # The quickest tells of us, and not of what else the machine does; none waits for a receiver.
    assert during[0] < 2 * before[0] + 250, (before, during)
    assert during[7] < 1000 * TIMEOUT_S / 2, (before, during)


def test_jobs_that_end_otherwise_are_told_of_too(http: httpx.Client, stack: Services) -> None:
    with running_receiver() as receiver:
        _, secret = register(http, receiver.url, events=["job.canceled", "job.expired"])
        many = npy_of(np.tile(glyphs(100, np.random.default_rng(2)), (300, 1, 1)))
        job = http.post("/v1/jobs", content=many, headers=NPY).json()["id"]
        http.post(f"/v1/jobs/{job}/cancel")
        told = receiver.wait()[0].verified(secret)
        assert (told["type"], told["data"]["state"]) == ("job.canceled", "canceled")
        assert sum(told["data"]["counts"].values()) == 2 * told["data"]["counts"]["total"]


def test_the_client_speaks_of_webhooks_in_both_voices(http: httpx.Client, stack: Services) -> None:
    with running_receiver() as receiver, Client(stack.url) as client:
        made = client.webhooks.create(receiver.url, [Event.COMPLETED], "mine")
        assert client.webhooks.update(made.id, description="still mine").description == "still mine"
        assert [each.id for each in client.webhooks.list()] == [made.id]
        job = run_job(http)
        receiver.wait()[0].verified(made.secret)
        wait_over(http, job)
        (delivery,) = client.webhooks.deliveries(job)
        client.webhooks.redeliver(job, delivery.id)
        assert receiver.wait(2)[1].id == delivery.id
        assert [each.id for each in client.webhooks.deliveries_to(made.id)] == [delivery.id]

    async def speak() -> None:
        async with AsyncClient(stack.url) as client:
            assert (await client.webhooks.list())[0].description == "still mine"
            assert (await client.webhooks.rotate_secret(made.id, 0)).secret != made.secret
            assert (await client.webhooks.update(made.id, enabled=False)).disabled_reason
            assert [each.id for each in await client.webhooks.deliveries(job)] == [delivery.id]
            assert [each.id for each in await client.webhooks.deliveries_to(made.id, 1)] == [delivery.id]
            with pytest.raises(ProblemError, match="enabled"):
                await client.webhooks.redeliver(job, delivery.id)
            await client.webhooks.delete(made.id)
            with pytest.raises(ProblemError, match="not an http"):
                await client.webhooks.create("https://exa mple.org")

    asyncio.run(speak())
    assert public(Webhooks) == public(AsyncWebhooks)


def public(kind: type) -> dict[str, list[str]]:
    """The methods of a class and what they take."""
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_the_command_speaks_of_webhooks(http: httpx.Client, stack: Services) -> None:
    def inkqueue(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["webhooks", *arguments], env={"INKQUEUE_URL": stack.url})
        assert done.exit_code == 0, done.stderr
        return done.stdout

    with running_receiver(status(410), OK) as receiver:
        hook, secret = inkqueue("add", receiver.url, "--event", "job.completed").split()
        job = run_job(http)
        receiver.wait()[0].verified(secret)
        wait_over(http, job)
        assert "410 Gone" in inkqueue("list")
        inkqueue("enable", hook)
        listed = inkqueue("deliveries", job).splitlines()[1].split()
        assert listed[1:] == [hook, "job.completed", "failed", "1", "410"]
        inkqueue("redeliver", job, listed[0])
        receiver.wait(2)
        assert wait_over(http, job)["state"] == "delivered"
        assert inkqueue("deliveries", job).splitlines()[1].split()[-3:] == ["delivered", "2", "200"]
    assert inkqueue("secret").startswith("whsec_")
    inkqueue("secret", hook)
    inkqueue("secret", hook, "--overlap", "0")  # while the former signs, any other is refused
    inkqueue("delete", hook)
    assert inkqueue("list").count("\n") == 1
    add = f"{sys.executable} -m api.cli webhooks add http://192.0.2.1/ --url {stack.url} >/dev/full"
    done = subprocess.run(add, shell=True, stderr=subprocess.PIPE, text=True)
    said, error = done.stderr.splitlines()
    assert error == "error: No space left on device"
    (hook,) = set(said.split()) & set(inkqueue("list").split())  # so that it can be deleted
    inkqueue("delete", hook)


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"url": "ftp://example.org/"}, "webhook-url-forbidden"),
        ({"url": "http://user@example.org/"}, "webhook-url-forbidden"),
        ({}, "invalid-parameter"),
        ({"url": 7}, "invalid-parameter"),
        ({"url": "https://example.org/", "events": []}, "invalid-parameter"),
        ({"url": "https://example.org/", "events": ["job.begun"]}, "invalid-parameter"),
        ({"url": "https://example.org/", "secret": "whsec_x"}, "invalid-parameter"),
        ({"url": "https://example.org/" + "a" * 5000}, "body-too-large"),
    ],
)
def test_what_cannot_be_registered_is_said(http: httpx.Client, body: dict[str, Any], slug: str) -> None:
    answer = http.post("/v1/webhooks", json=body)
    assert answer.json()["type"] == f"/problems/{slug}"
    assert answer.json()["detail"]


def test_where_nothing_is_sent_no_endpoint_is_moved(http: httpx.Client) -> None:
    hook, _ = register(http, "https://example.org/")
    refused = http.patch(f"/v1/webhooks/{hook}", json={"url": "ftp://example.org/"})
    assert refused.json()["type"] == "/problems/webhook-url-forbidden"
    moved = http.patch(f"/v1/webhooks/{hook}", json={"url": "https://example.com/"})
    assert http.get(f"/v1/webhooks/{hook}").json() == moved.json()
    assert moved.json()["url"] == "https://example.com/"


def test_what_is_not_there_is_said(http: httpx.Client) -> None:
    job = run_job(http)
    absent = f"/v1/webhooks/wh_{'0' * 32}"
    for answer in (
        http.get(absent),
        http.patch(absent, json={"enabled": True}),
        http.patch("/v1/webhooks/callback", json={"url": "https://example.org/"}),
        http.delete(absent),
        http.post(f"{absent}/secret"),
        http.get(f"{absent}/deliveries"),
        http.get("/v1/jobs/nothing/deliveries"),
        http.post(f"/v1/jobs/{job}/deliveries/msg_{'0' * 40}/redeliver"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert http.get(f"/v1/jobs/{job}/deliveries").json() == {"data": []}
    assert http.post("/v1/jobs?callback_url=file:///etc/passwd", content=b"x").json()["type"] == (
        "/problems/webhook-url-forbidden"
    )


def test_what_cannot_be_sent_again_is_said(http: httpx.Client, stack: Services) -> None:
    with running_receiver() as receiver:
        hook, _ = register(http, receiver.url)
        job = run_job(http)
        delivery = wait_over(http, job)["id"]
    again = f"/v1/jobs/{job}/deliveries/{delivery}/redeliver"
    with redis.Redis.from_url(stack.redis_url) as client:
        client.hset(f"ink:delivery:{delivery}", mapping={"token": 1, "due": 10**15})
    sending = http.post(again)
    assert (sending.status_code, sending.json()["type"]) == (409, "/problems/delivery-under-way")
    assert int(sending.headers["retry-after"]) == 5
    http.delete(f"/v1/webhooks/{hook}")
    deleted = http.post(again)
    assert (deleted.status_code, deleted.json()["type"]) == (409, "/problems/webhook-disabled")
    assert "was deleted" in deleted.json()["detail"]


def test_nobody_has_more_endpoints_than_are_allowed(http: httpx.Client) -> None:
    for _ in range(20):
        register(http, "https://example.org/")
    refused = http.post("/v1/webhooks", json={"url": "https://example.org/"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-webhooks")
    assert "20" in refused.json()["detail"]


def outcomes(http: httpx.Client) -> Counter[str]:
    """What became of messages so far, as Prometheus is told."""
    found = re.findall(r'inkqueue_webhooks_total{outcome="(\w+)"} (\d+)', http.get("/metrics").text)
    return Counter({outcome: int(number) for outcome, number in found})


def test_outcomes_are_counted(http: httpx.Client) -> None:
    before = outcomes(http)
    with running_receiver(status(500), OK, status(410)) as receiver:
        register(http, receiver.url)
        for _ in range(2):
            wait_over(http, run_job(http))
    counted = outcomes(http) - before
    assert counted >= Counter(("created", "created", "retried", "delivered", "failed", "disabled"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway on a Redis of its own."""
    with lone_gateway(
        tmp_path_factory.mktemp("fragile"),
        INKQUEUE_WEBHOOK_PRIVATE="true",
        INKQUEUE_WEBHOOK_TIMEOUT_S="1",
        INKQUEUE_WEBHOOK_SCHEDULE_S="0.2,0.2,0.2",
    ) as running:
        yield running


@pytest.fixture
def fragile(alone: Services) -> Iterator[Services]:
    """This gateway, which a test may replace, on an empty Redis; senders are the test's."""
    with on_empty_redis(alone):
        yield alone
    senders = [each for each in alone.processes if each.args[-1] == "worker.sender"]  # type: ignore[index]
    for sender in senders:
        kill(sender)
        alone.processes.remove(sender)


def end_jobs(services: Services, count: int) -> list[str]:
    """Jobs that end without a worker, since they are canceled."""
    with httpx.Client(base_url=services.url, timeout=30) as http:
        body = npy_of(glyphs(1, np.random.default_rng(3)))
        jobs = [http.post("/v1/jobs", content=body, headers=NPY).json()["id"] for _ in range(count)]
        for job in jobs:
            assert http.post(f"/v1/jobs/{job}/cancel").json()["state"] == "canceled"
    return jobs


def test_a_killed_gateway_and_a_killed_sender_lose_nothing(
    fragile: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fragile.environment, "INKQUEUE_WEBHOOK_TIMEOUT_S", "30")
    with running_receiver(*[hang] * 4, OK) as receiver:
        with httpx.Client(base_url=fragile.url) as http:
            _, secret = register(http, receiver.url)
        jobs = end_jobs(fragile, 20)
        kill(fragile.processes[0])  # nobody but the ledger knows now
        sender = fragile.spawn("worker.sender")
        receiver.wait(4, READY_S)
        kill(sender)  # four are in the middle of being sent, sixteen are not yet
        with redis.Redis.from_url(fragile.redis_url) as ledger:
            pass_over(ledger, 61)  # which is when their leases are over
        fragile.spawn("worker.sender")
        messages = receiver.wait(24, READY_S)[4:]
        told = {message.verified(secret)["data"]["id"] for message in messages}
        assert told == set(jobs)
        ids = receiver.ids()
        assert len(set(ids)) == 20
        assert set(ids[:4]) <= set(ids[4:])
        fragile.wait_answering(fragile.spawn("api"))
        with httpx.Client(base_url=fragile.url) as http:
            delivered = [wait_over(http, job) for job in jobs]
        lost = [each for each in delivered if len(each["attempts"]) == 2]
        assert {each["attempts"][0]["error"] for each in lost} == {"the sender was lost meanwhile"}


def test_nobody_waits_for_a_receiver_that_hangs(
    fragile: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fragile.environment, "INKQUEUE_WEBHOOK_TIMEOUT_S", "60")  # nobody gives up
    with running_receiver(hang) as silent, running_receiver(drip) as slow, running_receiver() as good:
        with httpx.Client(base_url=fragile.url) as http:
            for receiver in (silent, slow, good):
                register(http, receiver.url)
        end_jobs(fragile, 10)
        fragile.spawn("worker.sender")
        good.wait(1, READY_S)
        good.wait(10)
        silent.wait(4)
        slow.wait(4)
        assert silent.connections == slow.connections == 4  # as many at a time as one may have


def test_two_senders_send_each_message_once(fragile: Services) -> None:
    with running_receiver() as receiver:
        with httpx.Client(base_url=fragile.url) as http:
            register(http, receiver.url)
        for _ in range(2):
            fragile.spawn("worker.sender")
        with redis.Redis.from_url(fragile.redis_url) as ledger:
            until(lambda: ledger.zcard("ink:senders") == 2, READY_S)
        alive = [sys.executable, "-m", "worker.alive", "sender"]
        assert subprocess.run(alive, env=os.environ | fragile.environment).returncode == 0
        end_jobs(fragile, 60)
        receiver.wait(60)
        time.sleep(0.5)
        assert len(receiver.ids()) == len(set(receiver.ids())) == 60


def test_a_sender_that_is_told_to_stop_gives_back_what_it_has_in_hand(fragile: Services) -> None:
    with running_receiver(hang, OK) as receiver, httpx.Client(base_url=fragile.url) as http:
        register(http, receiver.url)
        sender = fragile.spawn("worker.sender")
        (job,) = end_jobs(fragile, 1)
        receiver.wait(seconds=READY_S)
        sender.send_signal(signal.SIGTERM)
        assert sender.wait(READY_S) == 0
        fragile.spawn("worker.sender")
        assert wait_over(http, job, READY_S)["state"] == "delivered"
        assert len(set(receiver.ids())) == 1


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
