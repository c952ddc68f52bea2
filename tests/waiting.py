"""Waiting for what other processes do, and looking at them meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def until(true: Callable[[], T | None], seconds: float = 20) -> T:
    """What `true()` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"it did not become true within {seconds:g} s"
        time.sleep(0.01)
    return found


@contextmanager
def meanwhile(look: Callable[[], object], every_s: float) -> Iterator[None]:
    """Call `look` again and again, in a thread of its own; what it raises is raised at the end."""
    try:
        with looking(look, every_s) as looked:
            yield
    finally:
        looked.result()


@contextmanager
def looking(look: Callable[[], object], every_s: float) -> Iterator[Future[None]]:
    """Call `look` again and again, in a thread of its own. What it raises ends that, and is the
    exception of what is yielded."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(every_s):
            look()

    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(go_on)
        finally:
            over.set()
