"""`python -m bench.generator HOST PORT CONNECTIONS SECONDS`: single predictions, one after another.

It is a lean process of its own, so that its cost is known and small. Each image comes on stdin as a u32
length and bytes; stdout is JSON with the seconds of each answer and its own share of a core.
"""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

_HEAD = (
    "POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    "Prefer: wait=30\r\nContent-Length: %d\r\n\r\n"
)
_END = b"\r\n\r\n"


class Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next request, until the time is over."""

    def __init__(self, requests: Iterator[bytes], end: float, times: list[float]) -> None:
        self._requests, self._end, self._times = requests, end, times
        self._received = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END)
        if not found or len(body) < _length(head):
            return
        now = time.perf_counter()
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not answered: {self._received[:200]!r}")
        self._times.append(now - self._asked)
        self._received = b""
        if now < self._end:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def call(host: str, port: int, connections: int, seconds: float, files: Sequence[bytes]) -> None:
    """Send the files for `seconds`, and print what was measured."""
    requests = cycle([(_HEAD % len(file)).encode() + file for file in files])
    times: list[float] = []
    begin, spent = time.perf_counter(), time.process_time()
    loop = asyncio.get_running_loop()
    callers = [
        await loop.create_connection(lambda: Caller(requests, begin + seconds, times), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.closed for _, caller in callers))
    took = time.perf_counter() - begin
    cpu = (time.process_time() - spent) / took
    print(json.dumps({"times": times, "rate": len(times) / took, "cpu": cpu}))


def _files() -> Iterator[bytes]:
    while head := sys.stdin.buffer.read(4):
        yield sys.stdin.buffer.read(*struct.unpack("<I", head))


if __name__ == "__main__":
    where, port, connections, seconds = sys.argv[1:]
    asyncio.run(call(where, int(port), int(connections), float(seconds), list(_files())))
