"""The proxy that does harm: it does what it is told to, to the command it is told to, and no more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.connections.connection import connect
from worker.ledger.ledger import Ledger

from chaos.faults import LOADING, REFUSALS, Cut, Fault, Hang, Nth, Recorder
from chaos.proxy import Proxy
from waiting import until

Client = redis.Redis
PATIENCE_S, SILENT_S = 20.0, 0.5
"""How long an answer is waited for: where one comes, and where none does."""


@pytest.fixture
def proxy(redis_url: str, clean_redis: Client) -> Iterator[Proxy]:
    with Proxy(redis_url) as running:
        yield running


@contextmanager
def through(proxy: Proxy, seconds: float = PATIENCE_S) -> Iterator[Client]:
    """A client through the proxy that waits so long for an answer, without any second try."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(proxy.url, retry=once, socket_timeout=seconds) as found:
        found.ping()
        yield found


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    with through(proxy) as found:
        yield found


@pytest.fixture
def hasty(proxy: Proxy) -> Iterator[Client]:
    with through(proxy, SILENT_S) as found:
        yield found


def test_what_is_not_to_be_harmed_passes(proxy: Proxy, client: Client) -> None:
    large = bytes(range(256)) * 20_000
    client.set("a", large)
    assert client.get("a") == large
    with client.pipeline(transaction=True) as pipe:
        assert pipe.set("b", 1).incr("b").get("b").execute() == [True, 2, b"2"]
    assert client.blpop(["none"], timeout=0.1) is None
    with pytest.raises(redis.ResponseError, match="wrong kind"):
        client.lpush("a", 1)


def test_subscribers_hear(client: Client) -> None:
    with client.pubsub() as subscription:
        subscription.subscribe("one", "two")
        heard = [subscription.get_message(timeout=PATIENCE_S)["type"] for _ in range(2)]
        assert heard == ["subscribe"] * 2
        client.publish("two", "news")
        assert subscription.get_message(timeout=PATIENCE_S)["data"] == b"news"


def test_every_command_has_a_name(proxy: Proxy, client: Client) -> None:
    client.script_flush()
    proxy.plan = recorder = Recorder()
    ledger = Ledger(client, 1000, "w")
    ledger.claim("balanced", 10)
    client.time()
    ledger.farewell()
    assert [name for name in recorder.names if name != "EVALSHA claim"] == [
        "SCRIPT LOAD",
        "TIME",
        "MULTI",
        "ZREM ink:workers",
        "DEL ink:worker",
        "EXEC",
    ]


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        (Cut.BEFORE, False),
        (Cut.AFTER, True),
        (Cut.MIDDLE, True),
        (Hang.BEFORE, False),
        (Hang.AFTER, True),
        *((refusal, False) for refusal in REFUSALS),
    ],
    ids=str,
)
@pytest.mark.parametrize("transaction", [False, True])
def test_a_fault_strikes_one_command_of_a_pipeline(
    proxy: Proxy, clean_redis: Client, fault: Fault, executed: bool, transaction: bool
) -> None:
    if transaction:  # none was executed before EXEC
        expected = 0
    elif fault in REFUSALS:
        expected = 1010
    else:
        expected = 110 if executed else 10
    with through(proxy, SILENT_S if isinstance(fault, Hang) else PATIENCE_S) as client:
        proxy.plan = plan = Nth("INCRBY b", 2, fault)
        with pytest.raises(redis.RedisError), client.pipeline(transaction=transaction) as pipe:
            pipe.incr("b", 10).incr("b", 100).incr("b", 1000).execute()
        assert plan.struck.is_set()
        until(lambda: int(clean_redis.get("b") or 0) == expected)
        time.sleep(0.05)  # what is executed, is by now
        assert int(clean_redis.get("b") or 0) == expected
        assert client.ping()


def test_a_retry_goes_through(proxy: Proxy, clean_redis: Client) -> None:
    with connect(proxy.url) as patient:
        proxy.plan = Nth("INCRBY b", 1, Cut.BEFORE)
        assert patient.incr("b") == 1
        proxy.plan = Nth("INCRBY b", 1, Cut.AFTER)
        assert patient.incr("b") == 3
        proxy.plan = Nth("INCRBY b", 1, LOADING)
        assert patient.incr("b") == 4


@pytest.mark.parametrize(("reset", "says"), [(False, "closed"), (True, "reset")])
def test_links_are_cut(proxy: Proxy, client: Client, reset: bool, says: str) -> None:
    connection = client.connection_pool.get_connection()
    assert proxy.cut(reset=reset) == 1
    with pytest.raises(redis.ConnectionError, match=says):
        connection.read_response()
    client.connection_pool.release(connection)
    assert client.ping()


def test_a_black_hole_tells_nobody(proxy: Proxy, hasty: Client) -> None:
    proxy.swallow()
    for _ in range(2):  # the old connection, then a new one
        with pytest.raises(redis.TimeoutError):
            hasty.ping()
    proxy.restore()
    with through(proxy) as client:
        assert client.ping()


def test_who_was_in_a_black_hole_stays_deaf(proxy: Proxy, hasty: Client, clean_redis: Client) -> None:
    connection = hasty.connection_pool.get_connection()
    connection.send_command("BLPOP", "work", 0)
    until(lambda: clean_redis.info("clients")["blocked_clients"])
    proxy.swallow()
    clean_redis.lpush("work", "lost")
    proxy.restore()
    with pytest.raises(redis.TimeoutError):
        connection.read_response()
    hasty.connection_pool.release(connection)
    assert clean_redis.llen("work") == 0  # Redis had given it into the hole


def test_nobody_listens_until_restored(proxy: Proxy, client: Client) -> None:
    proxy.refuse()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    with pytest.raises(redis.ConnectionError, match="refused"):
        client.ping()
    proxy.restore()
    assert client.ping()


def test_links_are_slow(proxy: Proxy, client: Client) -> None:
    proxy.delay = lambda: 0.05
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began >= 0.1


def test_what_was_said_before_a_process_died_is_heard(
    proxy: Proxy, client: Client, clean_redis: Client
) -> None:
    proxy.delay = lambda: 0.01
    connection = client.connection_pool.get_connection()
    for _ in range(50):
        connection.send_command("INCR", "b")
    connection.disconnect()
    until(lambda: int(clean_redis.get("b") or 0) == 50)
