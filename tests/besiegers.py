"""Hostile clients: sockets that send two bytes a second, or never read, and reconnect when cut off.

`python tests/besiegers.py URL SOCKETS SECONDS` besieges a gateway and prints as JSON, for each kind, how
many sockets were cut off and the longest life of one in seconds. URL must be of a large answer.
"""

import asyncio
import json
import random
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

ESTABLISHED = 1
PACE_S = 0.5
RISE_S = 3.0
BACK_S = 5.0
"""Seconds between two bytes; until all sockets are open, which is printed; at most until a reconnect."""

GET = "GET {path} HTTP/1.1\r\nHost: localhost\r\n"
POST = "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 999\r\n\r\n"
KINDS = {"head": (GET + "X-Slow: ", b"x"), "body": (POST, b"x"), "unread": (GET + "\r\n", b"")}
"""What each kind sends first, and then again and again."""

Lives = dict[str, list[float]]


async def besiege(url: str, sockets: int, seconds: float) -> Lives:
    """Hold `sockets` sockets, a third of each kind, for `seconds`; return the lives of those cut off."""
    end, lives = time.monotonic() + seconds, Lives({kind: [] for kind in KINDS})
    kinds = list(KINDS)
    async with asyncio.TaskGroup() as group:
        for number in range(sockets):
            kind = kinds[number % len(kinds)]
            await asyncio.sleep(RISE_S / sockets)
            group.create_task(_hold(url, kind, lambda: time.monotonic() < end, lives[kind].append))
        print("standing", flush=True)
    return lives


async def _hold(url: str, kind: str, going: Callable[[], bool], died: Callable[[float], None]) -> None:
    while going():
        with socket.socket() as line:
            line.setblocking(False)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            start = time.monotonic()
            try:
                await _trickle(line, url, kind, going)
            except OSError:
                died(time.monotonic() - start)
                await asyncio.sleep(random.uniform(0, BACK_S))  # not all at once, as in a flood


async def _trickle(line: socket.socket, url: str, kind: str, going: Callable[[], bool]) -> None:
    """Send until the time is over. Raises OSError once the connection is cut off."""
    loop, (first, more) = asyncio.get_running_loop(), KINDS[kind]
    target = urlsplit(url)
    await loop.sock_connect(line, (target.hostname or "", target.port or 80))
    await loop.sock_sendall(line, first.format(path=target.path).encode())
    while going():
        await asyncio.sleep(PACE_S)
        state = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != ESTABLISHED:
            raise ConnectionResetError
        await loop.sock_sendall(line, more)


def main() -> None:
    """Besiege, and print what came of it."""
    url, sockets, seconds = sys.argv[1:]
    lives = asyncio.run(besiege(url, int(sockets), float(seconds)))
    print(json.dumps({kind: [len(each), max(each, default=0.0)] for kind, each in lives.items()}))


if __name__ == "__main__":
    main()
