"""A proxy between our processes and Redis that causes faults when told to, in a thread of its own.

    with Proxy(redis_url) as proxy:     # processes are given proxy.url
        proxy.swallow()                 # a black hole: nothing passes, nobody is told
        proxy.restore()
        proxy.plan = Nth("EVALSHA commit", 3, Cut.AFTER)

With one proxy for each kind of process, their commands can be told apart.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from worker.embedded import free_port

from .commands import Command
from .faults import Fault, Plan
from .links import End, Link, deafen

T = TypeVar("T")


class Proxy:
    """Listens on a free port of the loopback while it is open. Any thread may call it."""

    def __init__(self, redis_url: str) -> None:
        parts = urlsplit(redis_url)
        self._far = parts.hostname or "127.0.0.1", parts.port or 6379
        self.port = free_port()
        login = parts.netloc.rpartition("@")[0]
        host = f"{login}@127.0.0.1" if login else "127.0.0.1"
        self.url = f"{parts.scheme}://{host}:{self.port}{parts.path}"
        self.plan: Plan | None = None
        self.delay: Callable[[], float] = lambda: 0.0
        self.commands = 0
        self._links: dict[int, Link] = {}
        self.opened = 0
        self._swallowing = False
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def links(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def swallow(self) -> None:
        """Become a black hole: connections stay, new ones are accepted, and nothing passes."""

        async def work() -> None:
            self._swallowing = True
            for link in self._links.values():
                link.lost = True

        self._do(work)

    def vanish(self, *, wholly: bool = False) -> None:
        """Drop every packet that processes send over open connections, without acknowledging it. New
        connections are served, unless `wholly`: then their packets are dropped, too."""

        async def work() -> None:
            for link in self._links.values():
                deafen(link.near.writer.get_extra_info("socket"))
            if wholly and self._server:
                for each in self._server.sockets:
                    deafen(each)

        self._do(work)

    def cut(self, *, reset: bool = False) -> int:
        """Close every connection with a FIN, or with an RST; return how many. New ones are served."""

        async def work() -> int:
            for link in self._links.values():
                link.close(reset=reset)
            return len(self._links)

        return self._do(work)

    def refuse(self) -> None:
        """Close every connection, and stop listening."""

        async def work() -> None:
            await self._stop_listening()
            for link in self._links.values():
                link.close(reset=True)

        self._do(work)

    def restore(self) -> None:
        """Serve new connections as usual. Those that were in a black hole stay silent; Redis sees them
        close."""

        async def work() -> None:
            self._swallowing, self.plan, self.delay = False, None, lambda: 0.0
            for link in self._links.values():
                if link.lost:
                    link.over.set()
                    link.far.close()
            if not self._server:
                await self._listen()

        self._do(work)

    def fault_of(self, link: int, parts: tuple[bytes, ...]) -> Fault | None:
        """Called by links: the fault that befalls their next command, if any."""
        self.commands += 1
        return self.plan(Command(parts, self.commands, link)) if self.plan else None

    def delay_s(self) -> float:
        """Called by links: seconds by which their next piece is delayed."""
        return self.delay()

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._do(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, run in the proxy's thread."""

        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near = End(reader, writer)
        try:
            far = End(*await asyncio.open_connection(*self._far))
        except (OSError, asyncio.CancelledError):
            near.close(reset=True)
            return
        self.opened += 1
        link = Link(self.opened, near, far, self)
        link.lost = self._swallowing
        self._links[link.number] = link
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await link.run()
        del self._links[link.number]

    async def _stop_listening(self) -> None:
        """Who was accepted just now is served first: else asyncio would leave the connection open."""
        server, self._server = self._server, None
        if server:
            for each in server.sockets:
                self._loop.remove_reader(each.fileno())
            for _ in range(3):
                await asyncio.sleep(0)
            server.close()

    async def _end(self) -> None:
        await self._stop_listening()
        for link in self._links.values():
            link.close(reset=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # sockets close in the next turns of the loop
