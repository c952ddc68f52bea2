"""Connections to checked addresses only: a name is looked up once, and the addresses checked are used.

httpcore takes its connections from here and does the rest, TLS included, by the name.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from .urls import Policy

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError."""


class Resolver:
    """The system's resolver on threads of its own: a silent name server blocks nobody else."""

    def __init__(self, threads: int) -> None:
        # glibc reads this before its first look-up; by default it waits 5 s for each server, twice.
        os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Every address of `host`."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(str(where[0]) for *_, where in found))


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Looks a host up, checks every address, and connects to the first that accepts."""

    def __init__(self, policy: Policy, resolve: Resolve, connect_s: float) -> None:
        self._policy, self._resolve, self._connect_s = policy, resolve, connect_s
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`. Raises ForbiddenAddress, TimeoutError or another OSError,
        httpcore.ConnectError or httpcore.ConnectTimeout."""
        async with asyncio.timeout(self._connect_s) as limit:
            addresses = await self._checked(host, port)
            return await self._connect(addresses, port, limit.when() or 0.0)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`, if all of them may be connected to."""
        addresses = await self._resolve(host, port)
        for address in addresses:
            self._policy.require_address(address)
        return addresses

    async def _connect(
        self, addresses: Sequence[str], port: int, end: float
    ) -> httpcore.AsyncNetworkStream:
        """Try one address after another until `end` of the loop's time, each for its share of what is
        left: the first may be silent."""
        failure: Exception = OSError("the name has no address")
        clock = asyncio.get_running_loop().time
        for before, address in enumerate(addresses):
            try:
                share_s = (end - clock()) / (len(addresses) - before)
                return await self._network.connect_tcp(address, port, timeout=share_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
