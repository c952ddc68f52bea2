"""For tests only (INKQUEUE_FAILPOINTS=1): images do harm as if they exploited a decoding library.

An image whose bytes contain `inkqueue-failpoint:KIND;` does what KIND says when it is decoded.
"""

import ctypes
import itertools
import os
import re
import time
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from ..ledger.chunks import ImageFile

_MARK = re.compile(rb"inkqueue-failpoint:([a-z]+);")
PAUSE_S = 0.5


def strike(file: ImageFile, wire: int) -> None:
    """Do the harm that the image asks for, if any; `wire` is the socket to the worker."""
    if found := _MARK.search(file):
        KINDS[found[1].decode()](wire)


def _eat(wire: int) -> None:
    eaten = list[object]()
    while True:
        eaten.append(np.empty(16 << 20, np.uint8))


def _spin(wire: int) -> None:
    while True:
        pass


def _flood(wire: int) -> None:
    while True:
        os.write(wire, b"nonsense" * 1000)


def _break_out(wire: int) -> None:
    """Try what must not work; die if any of it does."""
    for attempt in (lambda: os.open("/etc/passwd", os.O_RDONLY), os.fork, lambda: os.kill(1, 0)):
        try:
            attempt()
        except PermissionError:
            continue
        os._exit(99)


KINDS: Mapping[str, Callable[[int], object]] = {
    "segfault": lambda wire: ctypes.string_at(0),
    "abort": lambda wire: os.abort(),
    "memory": _eat,
    "loop": lambda wire: deque(itertools.repeat(0), maxlen=0),  # in C, holding Python's lock
    "spin": _spin,
    "sleep": lambda wire: time.sleep(3600),
    "exit": lambda wire: os._exit(0),
    "nonsense": lambda wire: os.write(wire, b"nonsense" * 200),
    "flood": _flood,
    "half": lambda wire: (os.write(wire, b"half"), os._exit(0)),
    "print": lambda wire: os.write(1, b"printed" * 1000),  # does no harm: the image is read
    "pause": lambda wire: time.sleep(PAUSE_S),  # no harm either
    "breakout": _break_out,
}
