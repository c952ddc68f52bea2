"""Doorbells are heard by real processes: while Redis refuses to write, and once it no longer does."""

import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import redis

from worker.ledger.doorbell import SENDER_QUEUE, message, queue, sender_message

from services import READY_S, running_services
from waiting import until

MODEL = "digits-nano"

REFUSALS = 3
"""For each process, but counted of all together. Meanwhile nothing may be left open, where kombu alone
leaves two connections each."""

SPARE = 2
"""How many connections or files may come and go."""


def assert_nothing_is_left_open(client: "redis.Redis", processes: Sequence[psutil.Process]) -> None:
    """While Redis refuses to be listened to, again and again."""

    def look() -> list[int]:
        return [len(client.client_list()), *(process.num_fds() for process in processes)]

    def refused() -> int:
        return int(client.info("commandstats")["cmdstat_brpop"]["rejected_calls"])

    def no_more_than(before: Sequence[int]) -> bool:
        return all(now <= then + SPARE for now, then in zip(look(), before, strict=True))

    def settled() -> bool:
        before = look()
        time.sleep(1.5)
        return no_more_than(before)

    until(settled)
    before, enough = look(), refused() + REFUSALS * len(processes)
    until(lambda: refused() >= enough)
    until(lambda: no_more_than(before), 5)


def test_a_redis_that_refuses_costs_neither_connections_nor_a_flood_of_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        running_services(tmp_path, INKQUEUE_MODELS=MODEL) as services,
        redis.Redis.from_url(services.redis_url) as client,
        log.open("wb") as lines,
    ):
        spawned = [services.spawn(module, lines).pid for module in ("worker", "worker.sender")]
        processes = [psutil.Process(pid) for pid in spawned]
        until(lambda: client.zcard("ink:workers") and client.zcard("ink:senders"), READY_S)
        client.config_set("min-replicas-to-write", 1)
        until(lambda: log.read_text().count("no doorbell can be heard") == 2)
        assert_nothing_is_left_open(client, processes)
        said = log.read_text()
        assert "CRITICAL" not in said
        assert said.count("no doorbell can be heard") == 2
        assert said.count("the outbox cannot be read") <= 1
        assert len(said.splitlines()) < 30
        client.config_set("min-replicas-to-write", 0)
        client.lpush(queue(MODEL), message(MODEL).replace(b"@TAG@", b"x-1"))
        client.lpush(SENDER_QUEUE, sender_message().replace(b"@TAG@", b"x-2"))
        until(lambda: not client.exists(queue(MODEL), SENDER_QUEUE))
        until(lambda: log.read_text().count("doorbells can be heard again") == 2)
        assert all(key.startswith(b"ink:") for key in client.scan_iter())


def test_a_process_that_begins_under_a_redis_that_refuses_hears_it_later(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        running_services(tmp_path) as services,
        redis.Redis.from_url(services.redis_url) as client,
        log.open("wb") as lines,
    ):
        client.config_set("min-replicas-to-write", 1)
        sender = psutil.Process(services.spawn("worker.sender", lines).pid)
        until(lambda: "no heartbeat can be sent" in log.read_text(), READY_S)
        until(lambda: "no doorbell can be heard" in log.read_text(), READY_S)
        assert_nothing_is_left_open(client, [sender])
        client.config_set("min-replicas-to-write", 0)
        until(lambda: client.zcard("ink:senders"))
        client.lpush(SENDER_QUEUE, sender_message().replace(b"@TAG@", b"x-1"))
        until(lambda: not client.exists(SENDER_QUEUE))
