"""The users of deploy/redis.acl: with them a whole stack runs, and none may more than it must."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis
import yaml
from redis.exceptions import NoPermissionError

from worker.embedded import EmbeddedRedis, free_port

from receivers import Receiver, running_receiver
from samples import glyphs, npy_of, pngs, zip_of
from services import Services, end_process
from waiting import until

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
USERS = ("gateway", "worker", "sender", "broker")
REFUSALS = ("NOPERM", "no permissions", "can't access", "can't run this command")
ROLES = {"api": "gateway", "worker": "worker", "worker.sender": "sender"}


@dataclass(frozen=True)
class Guarded:
    """A stack of which every process has a user of its own."""

    services: Services
    server: "WithUsers"

    def url(self, user: str) -> str:
        password = self.server.passwords[f"INKQUEUE_{user.upper()}_PASSWORD"]
        return f"redis://{user}:{password}@127.0.0.1:{self.server.port}/0"

    def client(self, user: str) -> redis.Redis:
        return redis.Redis.from_url(self.url(user))


class WithUsers(EmbeddedRedis):
    """A redis-server with the users that the script makes, and one for the test that may do all."""

    def command(self) -> list[str]:
        for name in ("redis.acl", "redis-users.sh"):
            shutil.copy(DEPLOY / name, self.folder)
        script = [self.folder / "redis-users.sh"]
        made = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        self.passwords = dict(line.split("=", 1) for line in made.splitlines())
        users = self.folder / "users.acl"
        users.write_text(f"{users.read_text()}user admin on >{self._password} ~* &* +@all\n")
        self.url = f"redis://admin:{self._password}@127.0.0.1:{self.port}/0"
        command = super().command()
        config = Path(command[1])
        lines = [line for line in config.read_text().splitlines() if "requirepass" not in line]
        config.write_text("\n".join([*lines, f'aclfile "{users}"', ""]))
        return command


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    server = WithUsers(tmp_path_factory.mktemp("acl"))
    process = subprocess.Popen(server.command())
    gateway_port = free_port()
    settings = {"PORT": str(gateway_port), "MODELS": "digits-nano", "WEBHOOK_PRIVATE": "true"}
    settings |= {"LEASE_MS": "2000", "THREADS": "1", "WEBHOOK_SCHEDULE_S": "0.2"}
    environment = {f"INKQUEUE_{name}": value for name, value in settings.items()}
    services = Services("", f"http://127.0.0.1:{gateway_port}", environment)
    made = Guarded(services, server)
    try:
        server.wait_ready(process)
        for module, user in ROLES.items():
            environment["REDIS_URL"] = made.url(user)
            environment["INKQUEUE_BROKER_URL"] = made.url("broker")
            services.spawn(module)
        services.wait_ready()
        yield made
    finally:
        services.kill()
        end_process(process)
        server.close()


def denied(guarded: Guarded) -> list[Any]:
    """What was refused to our processes; redis-py asks for CLIENT SETINFO, and does without."""
    with redis.Redis.from_url(guarded.server.url, decode_responses=True) as admin:
        log: Any = admin.acl_log()
    return [each for each in log if not each["object"].startswith("client")]


def test_a_whole_stack_runs_as_these_users(guarded: Guarded, rng: np.random.Generator) -> None:
    with (
        httpx.Client(base_url=guarded.services.url, timeout=60) as http,
        running_receiver() as receiver,
    ):
        live(http, receiver, rng)
        for path in ("/v1/queue", "/metrics", "/readyz", "/v1/jobs", "/v1/webhooks"):
            assert http.get(path).status_code == 200
    time.sleep(1.0)  # upkeep and heartbeats
    assert denied(guarded) == []


def live(http: httpx.Client, receiver: Receiver, rng: np.random.Generator) -> None:
    """Whatever a caller may do: submit, follow, read, correct, export, retry, cancel, delete, listen."""
    hook = http.post("/v1/webhooks", json={"url": receiver.url}).json()["id"]
    assert http.post(f"/v1/webhooks/{hook}/secret").status_code == 200
    assert http.post("/v1/webhooks/callback/secret").status_code == 200
    files = {f"{number}.png": data for number, data in enumerate(pngs(3, rng))} | {"bad.png": b"x"}
    query = {"model": "digits-nano", "keep_images": "true", "callback_url": receiver.url}
    headers = {"Content-Type": "application/zip", "Prefer": "wait=30", "Idempotency-Key": "once"}
    job = http.post("/v1/jobs", params=query, content=zip_of(files), headers=headers)
    assert job.json()["state"] == "partially_failed", job.text
    place = job.headers["location"]
    receiver.wait(2)
    for path in ("/results", "/events", "/items/0/image", "/items/0/preview.png", "/deliveries"):
        assert http.get(f"{place}{path}").status_code == 200
    assert http.patch(f"{place}/items/0/correction", json={"label": "7"}).status_code == 200
    assert http.get(f"{place}/export").status_code == 200

    def deliveries() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = http.get(f"{place}/deliveries").json()["data"]
        return found

    until(lambda: {each["state"] for each in deliveries()} == {"delivered"})  # none is being sent
    delivery = deliveries()[0]
    assert http.post(f"{place}/deliveries/{delivery['id']}/redeliver").status_code == 202
    receiver.wait(3)
    assert http.post(f"{place}/retry").status_code == 202
    npy = {"Content-Type": "application/x-npy"}
    content = npy_of(glyphs(600, rng))
    large = http.put("/v1/jobs/mine?model=digits-nano", content=content, headers=npy)
    assert large.status_code == 202
    unread = http.post("/v1/jobs?model=digits-mlp&expires_in=10", content=content, headers=npy)
    assert http.post(f"{unread.headers['location']}/cancel").json()["state"] == "canceled"
    assert http.delete(unread.headers["location"]).status_code == 204
    assert http.get("/v1/jobs/mine?wait=30").json()["state"] == "succeeded"
    assert http.patch(f"/v1/webhooks/{hook}", json={"enabled": False}).status_code == 200
    assert http.delete(f"/v1/webhooks/{hook}").status_code == 204


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "CONFIG SET appendonly no",
        "CONFIG REWRITE",
        "DEBUG SLEEP 0",
        "SHUTDOWN NOSAVE",
        "MODULE LIST",
        "ACL LIST",
        "CLIENT LIST",
        "MONITOR",
        "REPLICAOF NO ONE",
        "SCRIPT FLUSH",
        "SAVE",
        "SET elsewhere 1",
        "GET elsewhere",
        "PUBLISH elsewhere 1",
        "EVAL return(redis.call('GET','elsewhere')) 0",
        "EVAL return(redis.call('FLUSHALL')) 0",
    ],
)
def test_no_user_may_more(guarded: Guarded, user: str, command: str) -> None:
    with guarded.client(user) as client, pytest.raises(redis.ResponseError) as error:
        client.execute_command(*command.split())
    text = str(error.value)
    assert any(words in text for words in REFUSALS), text


def test_who_hears_doorbells_sees_no_job(guarded: Guarded) -> None:
    with guarded.client("broker") as client:
        for command in ("GET ink:stats", "HGETALL ink:hook:a/b", "DEL ink:stats"):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())


def test_who_hears_doorbells_cannot_ring_any(guarded: Guarded) -> None:
    with guarded.client("broker") as client:
        for command in ("LPUSH drain.none x", "LRANGE drain.none 0 -1", "EVAL return(1) 0"):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())


def test_compose_gives_each_process_its_user(guarded: Guarded) -> None:
    text = (DEPLOY / "compose.acl.yml").read_text()
    given: dict[str, Any] = yaml.safe_load(text)["services"]
    known: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    users = {"api": "gateway", "worker": "worker", "sender": "sender"}
    for name, user in users.items():
        assert name in known
        url = f"redis://{user}:${{INKQUEUE_{user.upper()}_PASSWORD:?}}@redis:6379/0"
        assert given[name]["environment"]["REDIS_URL"] == url
    command = known["redis"]["command"]
    assert command[command.index("--aclfile") + 1] == "${INKQUEUE_REDIS_ACL:-}"
    (mount,) = given["redis"]["volumes"]
    assert mount.split(":")[1:] == [guarded.server.passwords["INKQUEUE_REDIS_ACL"], "ro"]
    wanted = set(re.findall(r"\$\{(\w+):\?\}", text))
    assert wanted | {"INKQUEUE_REDIS_ACL"} == guarded.server.passwords.keys()


def test_nobody_is_let_in_without_a_name(guarded: Guarded) -> None:
    url = f"redis://127.0.0.1:{guarded.server.port}/0"
    with redis.Redis.from_url(url) as client, pytest.raises(redis.AuthenticationError):
        client.get("ink:stats")
    health = redis.Redis.from_url(f"redis://health:any@127.0.0.1:{guarded.server.port}/0")
    with health as client:
        assert client.ping()
        with pytest.raises(NoPermissionError):
            client.get("ink:stats")
