"""Clients of bad will: sockets that send a byte a second, or never read, and come again when cut off.

`python tests/besiegers.py URL SOCKETS SECONDS` besieges a gateway and prints, by kind, how many sockets
were cut off and the longest life of one in seconds, as JSON.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

ESTABLISHED = 1
PACE_S = 1.0
HEAD = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 999\r\n\r\n"
UNREAD = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8
KINDS = {"head": (HEAD, b"x"), "body": (BODY, b"x"), "unread": (UNREAD, b"")}
"""What each kind sends at first, and then every second."""

Lives = dict[str, list[float]]


async def besiege(url: str, sockets: int, seconds: float) -> Lives:
    """Hold `sockets` sockets, a third of each kind, for `seconds`; the lives of those that were cut."""
    place = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
    end, lives = time.monotonic() + seconds, Lives({kind: [] for kind in KINDS})
    kinds = list(KINDS)
    async with asyncio.TaskGroup() as group:
        for number in range(sockets):
            kind = kinds[number % len(kinds)]
            group.create_task(_hold(place, kind, lambda: time.monotonic() < end, lives[kind].append))
    return lives


async def _hold(
    place: tuple[str, int], kind: str, going: Callable[[], bool], died: Callable[[float], None]
) -> None:
    while going():
        with socket.socket() as line:
            line.setblocking(False)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            start = time.monotonic()
            try:
                await _trickle(line, place, kind, going)
            except OSError:
                died(time.monotonic() - start)
                await asyncio.sleep(PACE_S / 4)


async def _trickle(
    line: socket.socket, place: tuple[str, int], kind: str, going: Callable[[], bool]
) -> None:
    """Until the time is over. Raises OSError once the connection is cut off."""
    loop, (first, more) = asyncio.get_running_loop(), KINDS[kind]
    await loop.sock_connect(line, place)
    await loop.sock_sendall(line, first)
    while going():
        await asyncio.sleep(PACE_S / 2)
        state = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != ESTABLISHED:
            raise ConnectionResetError
        await loop.sock_sendall(line, more)


def main() -> None:
    """Besiege and tell."""
    url, sockets, seconds = sys.argv[1:]
    lives = asyncio.run(besiege(url, int(sockets), float(seconds)))
    print(json.dumps({kind: [len(each), max(each, default=0.0)] for kind, each in lives.items()}))


if __name__ == "__main__":
    main()
