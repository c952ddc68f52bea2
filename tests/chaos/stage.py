"""The real system that a campaign strikes: Redis, and gateways, workers and a sender behind proxies."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from worker.embedded import EmbeddedRedis, free_port
from worker.ledger import keys

from .proxy import Proxy
from .wards import Ward, Warden, python
from services import new_key

READY_S = 120.0


@dataclass(frozen=True)
class Cast:
    """How many workers and gateways there are, the network that they serve, and the lease."""

    workers: int
    gateways: int
    model: str
    lease_ms: int


@dataclass(frozen=True)
class Stage:
    """Everything that runs. `proxies` has the proxy of every worker, gateway and sender, by name."""

    redis_url: str
    folder: Path
    urls: tuple[str, ...]
    owners: dict[str, str]
    store: Ward
    workers: tuple[Ward, ...]
    gateways: tuple[Ward, ...]
    senders: tuple[Ward, ...]
    proxies: dict[str, Proxy]
    warden: Warden

    @property
    def temporary(self) -> Path:
        """The folder where all processes put temporary files."""
        return self.folder / "tmp"

    def wards(self, kind: str) -> tuple[Ward, ...]:
        """The wards that a kill of this kind can hit."""
        kinds = {"worker": self.workers, "redis": (self.store,), "gateway": self.gateways}
        return kinds.get(kind, self.senders)

    def client(self) -> "redis.Redis":
        """A link to Redis without a proxy."""
        return redis.Redis.from_url(self.redis_url)


@contextmanager
def standing(folder: Path, cast: Cast) -> Iterator[Stage]:
    """A stage on which everything is ready; all of it is stopped at the end."""
    (folder / "tmp").mkdir(parents=True)
    server = EmbeddedRedis(folder / "redis")
    made = [new_key() for _ in range(2)]
    ports = [free_port() for _ in range(cast.gateways)]
    common = _settings(cast, folder, [pair for _, pair in made])
    names = [f"worker-{n}" for n in range(cast.workers)] + [f"gateway-{n}" for n in range(cast.gateways)]
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        proxies = {name: stack.enter_context(Proxy(server.url)) for name in [*names, "sender-0"]}

        def ward(name: str, module: str, **settings: str) -> Ward:
            environment = common | {"REDIS_URL": proxies[name].url} | settings
            return Ward(name, python(module), environment, folder / f"{name}.log")

        store = Ward("redis", server.command(), {}, folder / "redis.log", lambda _: _pings(server.url))
        workers = [
            ward(f"worker-{n}", "worker", INKQUEUE_LOG_LEVEL="debug") for n in range(cast.workers)
        ]
        gateways = [ward(f"gateway-{n}", "api", INKQUEUE_PORT=str(p)) for n, p in enumerate(ports)]
        senders = [ward("sender-0", "worker.sender")]
        for each, port in zip(gateways, ports, strict=True):
            each.answers = lambda _, port=port: _listens(port)  # type: ignore[misc]
        for each in (*workers, *senders):
            kind = keys.SENDERS if each in senders else keys.WORKERS
            each.answers = lambda pid, kind=kind: _beats(server.url, kind, pid)  # type: ignore[misc]
        warden = Warden([store, *senders, *workers, *gateways])
        store.start()
        assert store.process
        server.wait_ready(store.process)
        for each in (*gateways, *workers, *senders):
            each.start()
        warden.start()
        stack.callback(warden.stop)
        warden.wait_ready(READY_S)
        yield Stage(
            server.url,
            folder,
            tuple(f"http://127.0.0.1:{port}" for port in ports),
            {pair.split(":")[0]: key for key, pair in made},
            store,
            tuple(workers),
            tuple(gateways),
            tuple(senders),
            proxies,
            warden,
        )


def _settings(cast: Cast, folder: Path, pairs: list[str]) -> dict[str, str]:
    """The environment of all processes."""
    return {
        "INKQUEUE_API_KEYS": " ".join(pairs),
        "INKQUEUE_LEASE_MS": str(cast.lease_ms),
        "INKQUEUE_LOG": "json",
        "INKQUEUE_MODELS": cast.model,
        "INKQUEUE_THREADS": "1",
        "INKQUEUE_WEBHOOK_PRIVATE": "true",
        "INKQUEUE_WEBHOOK_SCHEDULE_S": ",".join(["1"] * 100),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(folder / "tmp"),
    }


def _beats(url: str, kind: str, pid: int) -> bool:
    """Whether the worker or sender with this process id has a heartbeat in the ledger."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            return any(f"-{pid}-" in each.decode() for each in client.zrange(kind, 0, -1))
    except redis.RedisError:
        return False


def _pings(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True
