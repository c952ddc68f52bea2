"""Clients that overload: they send jobs at a fixed rate of images, whatever the answers are.

`python tests/pressers.py URL IMAGES_A_SECOND SECONDS MODEL` prints, as JSON, how many images were sent,
the sizes of the accepted jobs by id, and how often each kind of answer came. It speaks plain HTTP, since
a client library takes more of the machine for a request than a gateway does.
"""

import asyncio
import json
import random
import sys
import time
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from samples import glyphs, npy_of
from wire import Answer, read_head

SIZES = (1, 7, 50, 200, 500)
AT_ONCE = 48
PATIENCE_S = 30.0
HEAD = (
    "POST /v1/jobs?model={model} HTTP/1.1\r\nHost: {host}\r\n"
    "Content-Type: application/x-npy\r\nContent-Length: {length}\r\n\r\n"
)


@dataclass
class Pressed:
    """What came of it. `answers` count by status, problem, and whether a sound Retry-After was given."""

    sent: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    answers: Counter[tuple[int, str, bool]] = field(default_factory=Counter)

    def note(self, answer: Answer, size: int) -> None:
        """Count the answer to a job of `size` images."""
        kind = ""
        if answer.status == 202:
            self.accepted[json.loads(answer.body)["id"]] = size
        else:
            kind = answer.slug
        told = answer.headers.get("retry-after", "")
        self.answers[answer.status, kind, told.isdecimal() and 1 <= int(told) <= 60] += 1


class Presser:
    """One client at a time, with one connection, which is opened again when the gateway closes it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def post(self, request: bytes) -> Answer:
        """The answer to `request`. Raises OSError, IncompleteReadError, TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = self._streams or await asyncio.open_connection(self._host, self._port)
            self._streams = None
            with suppress(ConnectionError):  # it may have answered and closed before it had read all
                writer.write(request)
                await writer.drain()
            answer = await _answer(reader)
        if answer.headers.get("connection") == "close":
            writer.close()
        else:
            self._streams = reader, writer
        return answer


def _request(host: str, model: str, body: bytes) -> bytes:
    return HEAD.format(host=host, model=model, length=len(body)).encode() + body


async def _answer(reader: StreamReader) -> Answer:
    status, headers = read_head((await reader.readuntil(b"\r\n\r\n")).rstrip())
    return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))


async def press(url: str, rate: float, seconds: float, model: str) -> Pressed:
    """Send `rate` images a second for `seconds`, in jobs of changing sizes."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    drawn = glyphs(max(SIZES), np.random.default_rng(7))
    requests = {size: _request(host, model, npy_of(drawn[:size])) for size in SIZES}
    pressed, start = Pressed(), time.monotonic()

    async def go_on() -> None:
        presser = Presser(host, port)
        while (now := time.monotonic() - start) < seconds:
            if pressed.sent > rate * now:
                await asyncio.sleep(0.002)
                continue
            size = random.choice(SIZES)
            pressed.sent += size
            try:
                pressed.note(await presser.post(requests[size]), size)
            except (OSError, IncompleteReadError, TimeoutError) as error:
                pressed.answers[0, type(error).__name__, False] += 1

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return pressed


def main() -> None:
    """Press, and print what came of it."""
    url, rate, seconds, model = sys.argv[1:]
    pressed = asyncio.run(press(url, float(rate), float(seconds), model))
    answers = [[*kind, number] for kind, number in pressed.answers.items()]
    print(json.dumps({"sent": pressed.sent, "accepted": pressed.accepted, "answers": answers}))


if __name__ == "__main__":
    main()
