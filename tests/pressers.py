"""Clients that overload: they send jobs at a fixed rate of images, whatever the answers are.

`python tests/pressers.py URL IMAGES_A_SECOND SECONDS MODEL` prints, as JSON, how many images were sent,
the sizes of the accepted jobs by id, and how often each kind of answer came.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import numpy as np

from samples import glyphs, npy_of

SIZES = (1, 7, 50, 200, 500)
AT_ONCE = 48
NPY = {"Content-Type": "application/x-npy"}


@dataclass
class Pressed:
    """What came of it. `answers` count by status, problem, and whether a sound Retry-After was given."""

    sent: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    answers: Counter[tuple[int, str, bool]] = field(default_factory=Counter)


async def press(url: str, rate: float, seconds: float, model: str) -> Pressed:
    """Send `rate` images a second for `seconds`, in jobs of changing sizes."""
    drawn = glyphs(max(SIZES), np.random.default_rng(7))
    bodies = {size: npy_of(drawn[:size]) for size in SIZES}
    pressed, turns, start = Pressed(), asyncio.Semaphore(AT_ONCE), time.monotonic()
    async with httpx.AsyncClient(base_url=url, timeout=30) as http, asyncio.TaskGroup() as group:

        async def send(size: int) -> None:
            path = f"/v1/jobs?model={model}"
            try:
                answer = await http.post(path, content=bodies[size], headers=NPY)
                _note(pressed, answer, size)
            except httpx.TransportError as error:
                pressed.answers[0, type(error).__name__, False] += 1
            finally:
                turns.release()

        while (now := time.monotonic() - start) < seconds:
            if pressed.sent > rate * now:
                await asyncio.sleep(0.002)
                continue
            await turns.acquire()
            size = random.choice(SIZES)
            pressed.sent += size
            group.create_task(send(size))
    return pressed


def _note(pressed: Pressed, answer: httpx.Response, size: int) -> None:
    kind = ""
    if answer.status_code == 202:
        pressed.accepted[answer.json()["id"]] = size
    else:
        kind = answer.json()["type"].rpartition("/")[2]
    told = answer.headers.get("retry-after", "")
    pressed.answers[answer.status_code, kind, told.isdecimal() and 1 <= int(told) <= 60] += 1


def main() -> None:
    """Press, and print what came of it."""
    url, rate, seconds, model = sys.argv[1:]
    pressed = asyncio.run(press(url, float(rate), float(seconds), model))
    answers = [[*kind, number] for kind, number in pressed.answers.items()]
    print(json.dumps({"sent": pressed.sent, "accepted": pressed.accepted, "answers": answers}))


if __name__ == "__main__":
    main()
