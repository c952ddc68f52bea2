"""A gateway, a worker and a sender in this process, each with a proxy of its own between it and Redis.

The code and the network are real; only Celery is missing: tests call the worker and the sender.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import httpx
import redis

from api.app import create_app
from api.edge.policy import EdgePolicy
from api.server import Server, create_server
from api.services import services_of
from api.settings import GatewaySettings
from worker.connections import connection
from worker.embedded import free_port
from worker.engine.engine import Engine
from worker.ledger import ledger
from worker.ledger.ledger import Ledger
from worker.settings import SenderSettings, WorkerSettings
from worker.webhooks.dispatcher import Dispatcher

from .proxy import Proxy

MODEL = "digits-nano"
LEASE_MS = 5_000
SILENT_S = 0.4
"""A link is taken for dead after this long, instead of 5 s, so that hanging ones cost less time."""

GATEWAY, WORKER, SENDER = PROCESSES = ("gateway", "worker", "sender")


@dataclass
class Rig:
    """What runs, and a link to Redis without a proxy (`direct`)."""

    redis_url: str
    direct: redis.Redis
    proxies: dict[str, Proxy]
    http: httpx.Client
    server: Server
    engine: Engine
    worker: Ledger
    dispatcher: Dispatcher
    loop: asyncio.AbstractEventLoop

    def begin(self) -> None:
        """Empty Redis as if it had just started, and close all connections that need not be open."""
        for proxy in self.proxies.values():
            proxy.restore()
        self.direct.flushall()
        self.direct.script_flush()
        self.proxies[WORKER].cut()
        asyncio.run_coroutine_threadsafe(self._let_go(), self.loop).result()

    async def _let_go(self) -> None:
        client = self.server.config.app.state.services.store._client
        await client.connection_pool.disconnect(inuse_connections=False)


@contextlib.contextmanager
def running_rig(redis_url: str) -> Iterator[Rig]:
    """A rig that runs until the block ends."""
    with contextlib.ExitStack() as stack:
        for times in (connection.TIMEOUTS, connection.PROMPT):
            stack.enter_context(patch.dict(times, {"socket_timeout": SILENT_S}))
        stack.enter_context(patch.object(ledger, "LINGER_MS", 100))
        yield _assemble(redis_url, stack)


def _assemble(redis_url: str, stack: contextlib.ExitStack) -> Rig:
    proxies = {name: stack.enter_context(Proxy(redis_url)) for name in PROCESSES}
    server, loop = stack.enter_context(_serving(proxies[GATEWAY].url))
    at = f"http://127.0.0.1:{server.config.port}"
    settings = WorkerSettings(
        redis_url=proxies[WORKER].url, models=MODEL, threads=1, device="cpu", lease_ms=LEASE_MS
    )
    dispatcher = Dispatcher(SenderSettings(redis_url=proxies[SENDER].url, webhook_private=True))
    engine = Engine(settings)
    stack.callback(engine._ledger._client.close)
    stack.callback(engine._decoders.close)
    return Rig(
        redis_url=redis_url,
        direct=stack.enter_context(redis.Redis.from_url(redis_url)),
        proxies=proxies,
        http=stack.enter_context(httpx.Client(base_url=at, timeout=30)),
        server=server,
        engine=engine,
        worker=engine._ledger,
        dispatcher=dispatcher,
        loop=loop,
    )


@contextlib.contextmanager
def _serving(redis_url: str) -> Iterator[tuple[Server, asyncio.AbstractEventLoop]]:
    """The gateway's own server in a thread, on a free port, with small chunks."""
    settings = GatewaySettings(
        redis_url=redis_url,
        port=free_port(),
        chunk_images=2,
        chunk_glyphs=2,
        webhook_private=True,
        lease_ms=LEASE_MS,
    )
    app = create_app(settings)
    refused = services_of(app).metrics.refused
    server = create_server(app, settings, EdgePolicy.of(settings, 100, False, refused))
    loop = server.config.get_loop_factory()()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), name="gateway")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server, loop
    finally:
        server.should_exit = True
        thread.join()
        loop.close()
