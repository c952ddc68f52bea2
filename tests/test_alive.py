"""Whether a worker or a sender of this host is alive, as a container's health check asks."""

import os
import socket
import subprocess
import sys

import pytest
import redis

from worker.alive import main
from worker.connections.connection import clock_ms
from worker.ledger.keys import ALIVE_MS
from worker.pulse import own_name

HOST = socket.gethostname()


def says(url: str, *kind: str) -> tuple[int, str]:
    """What a process of its own ends with, and what it writes."""
    command = [sys.executable, "-m", "worker.alive", *kind]
    environment = os.environ | {"REDIS_URL": url}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("listed", "name", "kinds"),
    [
        ("ink:workers", f"{HOST}-17-0123abcd", ([], ["worker"])),
        ("ink:senders", f"{HOST}-17-0123abcd", (["sender"],)),
        ("ink:workers", f"{HOST}-2-17-0123abcd", ()),  # of a host whose name begins like ours
        ("ink:workers", "other-17-0123abcd", ()),
    ],
)
def test_only_one_of_this_host_and_of_the_kind_that_is_asked_for_counts(
    redis_url: str,
    clean_redis: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
    name: str,
    kinds: tuple[list[str], ...],
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    clean_redis.zadd(listed, {name: clock_ms(clean_redis)})
    for kind in ([], ["worker"], ["sender"]):
        with pytest.raises(SystemExit) as said:
            main(*kind)
        assert said.value.code == (kind not in kinds)


def test_one_that_was_not_heard_of_lately_does_not_count(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    clean_redis.zadd("ink:workers", {own_name(): clock_ms(clean_redis) - ALIVE_MS - 1000})
    assert says(redis_url) == (1, "")
    clean_redis.zadd("ink:senders", {own_name(): clock_ms(clean_redis)})
    assert says(redis_url, "sender") == (0, "")


def test_another_word_is_refused(redis_url: str) -> None:
    assert says(redis_url, "gateway") == (1, "worker.alive: gateway is neither worker nor sender\n")


def test_without_redis_it_says_so_in_a_line() -> None:
    code, written = says("redis://127.0.0.1:1/0")
    assert (code, written.count("\n")) == (1, 1)
    assert written.startswith("worker.alive: ")
    assert "127.0.0.1:1" in written
