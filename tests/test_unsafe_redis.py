"""A Redis that could lose jobs or let strangers in: every process of ours refuses it, and says why."""

import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import redis
from redis.exceptions import NoPermissionError

from model.machine import memory_bytes
from worker.connections.connection import connect
from worker.connections.safety import (
    BIND_COUNTS,
    DURABLE,
    UnsafeRedis,
    find_door,
    find_loss,
    require_safe,
)
from worker.embedded import EmbeddedRedis, find_server, free_port, version
from worker.ledger import keys
from worker.redis_watch import RedisWatch
from worker.settings import QueueSettings

from chaos.faults import REFUSALS, Refusal
from chaos.proxy import Proxy
from samples import glyphs, npy_of
from services import Services, end_process
from waiting import until

SAFE = QueueSettings()
BAD = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "no-appendfsync-on-rewrite": "yes",
    "maxmemory-policy": "allkeys-lru",
}
OTHERS = (("appendfsync", "no"), ("maxmemory-policy", "volatile-ttl"))
CASES = (*BAD.items(), *OTHERS)


GUARDED = "" if version(find_server()) >= BIND_COUNTS else "bind 0.0.0.0, protected-mode yes"


@contextmanager
def server(folder: Path, *lines: str) -> Iterator[str]:
    """A redis-server with these settings, on all that it may listen on; yields the URL on loopback."""
    port = free_port()
    own = [f"port {port}", f"dir {folder}", 'save ""', *lines]
    (folder / "redis.conf").write_text("\n".join(own))
    process = subprocess.Popen([find_server(), str(folder / "redis.conf")], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        until(lambda: _listening(port) or process.poll() is not None)
        assert process.poll() is None
        yield url
    finally:
        end_process(process)


def _listening(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def durable(**other: str) -> list[str]:
    return [f"{name} {value}" for name, value in (DURABLE | other).items()]


@pytest.fixture
def unsafe(redis_url: str) -> Iterator["redis.Redis"]:
    """A client of a Redis whose settings may be changed; they are set right afterwards."""
    client = connect(redis_url)
    yield client
    for name, value in DURABLE.items():
        client.config_set(name, value)


def test_our_own_redis_is_safe(redis_url: str) -> None:
    require_safe(connect(redis_url), SAFE)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_could_lose_jobs_is_named_with_what_is_wanted(
    unsafe: "redis.Redis", name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    unsafe.config_set(name, value)
    with pytest.raises(UnsafeRedis) as refused:
        require_safe(unsafe, SAFE)
    for part in (
        f"has {name} {value}",
        f"Set {name} {DURABLE[name]}",
        "INKQUEUE_ALLOW_UNSAFE_REDIS=true",
    ):
        assert part in str(refused.value)
    require_safe(unsafe, QueueSettings(allow_unsafe_redis=True))
    assert "accepted jobs may be lost" in caplog.text


def test_all_that_is_wrong_is_said_at_once(unsafe: "redis.Redis") -> None:
    for name, value in BAD.items():
        unsafe.config_set(name, value)
    fault = find_loss(unsafe, SAFE)
    assert all(f"{name} {value}" in fault for name, value in BAD.items())


def test_who_may_not_see_the_settings_says_so(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as owner:
        rights = {"categories": ["+@all"], "commands": ["-config"], "keys": ["*"]}
        owner.acl_setuser("blind", enabled=True, passwords=["+b"], **rights)
        try:
            fault = find_loss(connect(re.sub("//.*@", "//blind:b@", redis_url)), SAFE)
        finally:
            owner.acl_deluser("blind")
    assert "CONFIG" in fault.upper()
    assert "+config|get" in fault
    assert "INKQUEUE_ALLOW_UNSAFE_REDIS=true" in fault


def test_a_redis_without_the_command_says_so(tmp_path: Path) -> None:
    with server(tmp_path, *durable(), 'rename-command CONFIG ""') as url:
        assert "+config|get" in find_loss(connect(url), SAFE)
        assert find_door(connect(url), SAFE) == ""


@pytest.mark.parametrize(
    ("secret", "reason"),
    [("", "wants a password"), (":x@", "refuses its user"), ("x:x@", "refuses its user")],
)
@pytest.mark.parametrize("allowed", [False, True])
def test_a_password_that_is_missing_or_wrong_is_said_at_once(
    redis_url: str, secret: str, reason: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", waits.append)
    client = connect(re.sub("//.*@", f"//{secret}", redis_url))
    with pytest.raises(redis.AuthenticationError, match=f"^REDIS_URL: Redis {reason}"):
        require_safe(client, SAFE.model_copy(update={"allow_unsafe_redis": allowed}))
    assert not waits  # it is not tried again


def test_a_cluster_is_refused(tmp_path: Path) -> None:
    refusal = pytest.raises(redis.RedisError, match=r"^REDIS_URL: .* runs as a cluster; name one that")
    with server(tmp_path, *durable(), "cluster-enabled yes") as url, refusal:
        require_safe(connect(url), SAFE)


def test_a_redis_that_is_too_old_for_the_scripts_is_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.connections.safety.OLDEST", (99, 1))
    wanted = r"^REDIS_URL: Redis 99\.1 or later is needed; this one is "
    for protocol in (2, 3):
        client = connect(f"{redis_url}?protocol={protocol}")
        with pytest.raises(redis.RedisError, match=rf"{wanted}\d+\.\d+\.\d+$"):
            require_safe(client, SAFE)
    before_6 = Refusal("ERR unknown command `HELLO`, with args beginning with: `3`, ")
    with Proxy(redis_url) as proxy:
        proxy.plan = lambda command: before_6 if command.name == "HELLO" else None
        with pytest.raises(redis.RedisError, match=f"{wanted}older$"):
            require_safe(connect(proxy.url), SAFE)


@pytest.mark.parametrize("trouble", REFUSALS, ids=str)
def test_a_redis_in_trouble_is_not_taken_for_one_that_hides_its_settings(
    redis_url: str, trouble: Refusal
) -> None:
    with Proxy(redis_url) as proxy:
        redis_watch = RedisWatch(connect(proxy.url), SAFE)
        proxy.plan = lambda command: trouble if command.name == "CONFIG GET" else None
        with pytest.raises(redis.RedisError):
            redis_watch.look()
        assert not redis_watch.fault


def test_the_watch_outlives_a_fault_of_ours(
    unsafe: "redis.Redis", redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [KeyError("a fault of ours")]

    def finds(client: redis.Redis, settings: QueueSettings) -> str:
        if faults:
            raise faults.pop()
        return find_loss(client, settings)

    monkeypatch.setattr("worker.redis_watch.find_loss", finds)
    monkeypatch.setattr("worker.redis_watch.ROUND_S", 0.02)
    watch = RedisWatch(connect(redis_url), SAFE)
    watch.start()
    unsafe.config_set("appendfsync", "everysec")
    until(lambda: watch.fault)
    watch.stop()
    assert not faults


def test_the_watch_tells_once_that_it_is_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "worker.redis_watch")
    monkeypatch.setattr("worker.redis_watch.ROUND_S", 0.02)
    with Proxy(redis_url) as proxy:
        watch = RedisWatch(connect(proxy.url), SAFE)
        watch.approve()
        begun, denied = proxy.commands, Refusal("NOPERM no permissions to run 'info'")
        proxy.plan = lambda command: denied if command.name == "INFO" else None
        watch.start()
        until(lambda: proxy.commands > begun + 5)
        proxy.plan = None
        until(lambda: len(caplog.records) == 2)
        watch.stop()
        watch.join()
    refused, over = [record.getMessage() for record in caplog.records]
    assert refused.startswith("Redis's settings cannot be checked, trying again: ")
    assert over == "Redis's settings can be checked again"


def test_a_worker_needs_not_know_which_redis_it_is_but_a_gateway_does(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as owner:
        rights = {"categories": ["+@all"], "commands": ["-info"], "keys": ["*"]}
        owner.acl_setuser("reader", enabled=True, passwords=["+r"], **rights)
        try:
            redis_watch = RedisWatch(connect(re.sub("//.*@", "//reader:r@", redis_url)), SAFE)
            redis_watch.look()
            assert (redis_watch.fault, redis_watch.server) == ("", "")
            with pytest.raises(UnsafeRedis, match=r"\+info"):
                redis_watch.approve()
        finally:
            owner.acl_deluser("reader")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["protected-mode no"], "bind (all), protected-mode no"),
        (["bind 0.0.0.0", "protected-mode no"], "bind 0.0.0.0, protected-mode no"),
        (["protected-mode yes"], ""),
        (["bind 0.0.0.0", "protected-mode yes"], GUARDED),
        (["bind 127.0.0.1", "protected-mode no"], ""),
        (["bind * -::*", "protected-mode no"], "bind * -::*, protected-mode no"),
        (["bind 127.0.0.1 -::1", "protected-mode no"], ""),
        (["bind 0.0.0.0", "protected-mode no", "requirepass secret"], ""),
    ],
)
def test_a_redis_that_lets_strangers_in_is_refused(tmp_path: Path, lines: list[str], words: str) -> None:
    with server(tmp_path, *durable(), *lines) as url:
        if "requirepass secret" in lines:
            url = url.replace("redis://", "redis://:secret@")
        fault = find_door(connect(url), SAFE)
        assert bool(fault) == bool(words)
        assert words in fault
        if words:
            assert "requirepass" in fault
            assert "INKQUEUE_ALLOW_OPEN_REDIS=true" in fault
        require_safe(connect(url), QueueSettings(allow_open_redis=True))


def test_off_loopback_a_password_is_wanted(tmp_path: Path) -> None:
    address = own_address()
    lines = ["bind 0.0.0.0", "protected-mode no"]
    with server(tmp_path, *durable(), *lines) as url:
        other = url.replace("127.0.0.1", address)
        assert f"is reached at {address}" in find_door(connect(other), SAFE)
        with redis.Redis.from_url(url) as client:
            client.acl_setuser("me", enabled=True, passwords=["+mine"], categories=["+@all"])
            assert find_door(connect(other.replace("//", "//me:mine@")), SAFE)
            client.config_set("requirepass", "secret")
        assert find_door(connect(other.replace("//", "//:secret@")), SAFE) == ""


def test_no_process_starts_on_an_unsafe_redis(unsafe: "redis.Redis", redis_url: str) -> None:
    unsafe.config_set("appendfsync", "everysec")
    environment = os.environ | {"REDIS_URL": redis_url, "INKQUEUE_PORT": str(free_port())}
    for process in [
        subprocess.Popen(
            [sys.executable, "-m", module], env=environment, stderr=subprocess.PIPE, text=True
        )
        for module in ("api", "worker", "worker.sender")
    ]:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 1
        last = told.strip().splitlines()[-1]
        assert "Redis has appendfsync everysec" in last
        assert "INKQUEUE_ALLOW_UNSAFE_REDIS=true" in last
        assert "Traceback" not in told


def test_a_gateway_takes_no_job_once_redis_came_back_unsafe(tmp_path: Path) -> None:
    own = EmbeddedRedis(tmp_path)
    with started(own) as old:
        environment = {"REDIS_URL": own.url, "INKQUEUE_PORT": str(free_port())}
        lone = Services(own.url, f"http://127.0.0.1:{environment['INKQUEUE_PORT']}", environment)
        with closing(httpx.Client(base_url=lone.url)) as http:
            lone.wait_answering(lone.spawn("api"))
            job = submit(http).raise_for_status().json()["id"]
            old.kill()
            old.wait()
            with started(own, appendfsync="everysec"):
                first = until(lambda: None if is_away(answer := submit(http)) else answer)
                assert (first.status_code, first.json()["type"]) == (503, "/problems/storage-unsafe")
                assert "appendfsync everysec" in first.json()["detail"]
                ready = http.get("/readyz")
                assert (ready.status_code, ready.json()["type"]) == (503, "/problems/not-ready")
                assert first.headers["retry-after"] == ready.headers["retry-after"] == "30"
                assert http.get(f"/v1/jobs/{job}").status_code == 200
                assert http.post(f"/v1/jobs/{job}/cancel").status_code == 200
                with redis.Redis.from_url(own.url) as client:
                    client.config_set("appendfsync", "always")
                until(lambda: submit(http).status_code == 202)
                lone.kill()
    own.close()


def test_the_watch_tells_once_of_what_changed(
    unsafe: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    redis_watch = RedisWatch(unsafe, SAFE)
    for value in ("always", "no", "no", "always"):
        unsafe.config_set("appendfsync", value)
        redis_watch.look()
        assert bool(redis_watch.fault) == (value == "no")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "appendfsync no" in told[0]
    assert told[1] == "Redis is safe again"


def test_the_watch_tells_once_of_accepted_jobs_that_are_gone(
    redis_url: str, clean_redis: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    redis_watch = RedisWatch(connect(redis_url), SAFE)
    redis_watch.approve()
    for accepted in (3, 5, 0, 0, 1):
        clean_redis.hset(keys.STATS, "jobs_accepted", accepted)
        redis_watch._round()
    (record,) = caplog.records
    told = "Redis has lost data: 5 jobs were accepted, and it knows of 0"
    assert (record.getMessage(), record.levelname) == (told, "CRITICAL")


def test_only_the_thread_of_the_watch_asks_how_many_jobs_were_accepted(redis_url: str) -> None:
    """Submissions look, too: they must neither fail with this nor mistake each other's replies."""
    denied = Refusal("NOPERM no permissions to run 'hget'")
    with Proxy(redis_url) as proxy:
        redis_watch = RedisWatch(connect(proxy.url), SAFE)
        proxy.plan = lambda command: denied if command.name == "HGET ink:stats" else None
        redis_watch.approve()
        redis_watch.look()
        assert redis_watch.server
        with pytest.raises(NoPermissionError):
            redis_watch._round()


def test_the_embedded_redis_leaves_half_of_the_memory_there_is(redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert int(client.config_get("maxmemory")["maxmemory"]) == memory_bytes() // 2
    (tmp_path / "memory.max").write_text("max\n")
    everything = memory_bytes(tmp_path)
    assert everything > 1 << 28
    (tmp_path / "memory.max").write_text("268435456\n")
    assert memory_bytes(tmp_path) == 1 << 28
    own = EmbeddedRedis(tmp_path / "own", memory=1 << 27)
    own.command()
    assert f"maxmemory {1 << 27}\n" in (own.folder / "redis.conf").read_text()
    own.close()


@contextmanager
def started(own: EmbeddedRedis, **other: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Redis, with some of its settings not as they should be."""
    command = own.command()
    config = own.folder / "redis.conf"
    config.write_text(config.read_text() + "".join(f"{name} {value}\n" for name, value in other.items()))
    process = subprocess.Popen(command)
    try:
        own.wait_ready(process)
        yield process
    finally:
        process.kill()
        process.wait()


def submit(http: httpx.Client) -> httpx.Response:
    data = npy_of(glyphs(2, np.random.default_rng(0)))
    return http.post("/v1/jobs", content=data, headers={"Content-Type": "application/x-npy"})


def is_away(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and answer.json()["type"] == "/problems/storage-unavailable"


def own_address() -> str:
    """An address of this machine that is not on loopback."""
    found = [
        each.address
        for all_ in psutil.net_if_addrs().values()
        for each in all_
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    ]
    if not found:
        pytest.skip("this machine has no address but loopback")
    return found[0]
