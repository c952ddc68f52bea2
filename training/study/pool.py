"""Processes that train cohorts, one torch thread each; they end when the study's own process does."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import TracebackType

import numpy as np
import torch

from ..sets.data import Split
from . import cohort
from .trial import Outcome, Trial

News = tuple[str, int]
"""A trial's key, for its cohort, and how many more images were shown."""


class Pool:
    """`processes` that train on `split` and keep what they find in `folder`. 0: a process a core.

    Left by an exception, it ends them at once: what they had kept at their last point stays.
    """

    def __init__(self, split: Split, folder: Path, processes: int) -> None:
        self.processes = processes or os.cpu_count() or 1
        spawn = multiprocessing.get_context("spawn")
        self._news: SimpleQueue[News] = spawn.SimpleQueue()
        life, self._life = spawn.Pipe(duplex=False)
        shown = replace(split, test=split.test.take(np.empty(0, np.intp)), hints=None)
        self._executor = ProcessPoolExecutor(
            self.processes, spawn, _begin, (shown, folder, self._news, life)
        )

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._life.close()
        self._executor.shutdown(cancel_futures=True)
        self._life.close()

    def wait_ready(self) -> None:
        """Until every process answers; the first could do all the work while others begin."""
        ready: set[int] = set()
        while len(ready) < self.processes:
            asked = [self._executor.submit(os.getpid) for _ in range(self.processes)]
            ready |= {each.result() for each in asked}
            time.sleep(0.02)

    def train(self, trials: Sequence[Trial]) -> "Future[list[Outcome]]":
        """The outcomes of a cohort, in time."""
        return self._executor.submit(_train, trials)

    def news(self) -> list[News]:
        """What has come in since it was asked before."""
        found = []
        while not self._news.empty():
            found.append(self._news.get())
        return found


class Post:
    """What a process works with."""

    split: Split
    folder: Path
    news: "SimpleQueue[News]"


def _begin(split: Split, folder: Path, news: "SimpleQueue[News]", life: Connection) -> None:
    """A process begins. Control-C is for the study's own process, which then lets go of `life`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    torch.set_num_threads(1)
    Post.split, Post.folder, Post.news = split, folder, news


def _end_with(life: Connection) -> None:
    """End this process, whatever it does, once the other end is let go of, or killed with its owner."""
    life.poll(None)
    os._exit(1)


def _train(trials: Sequence[Trial]) -> list[Outcome]:
    return cohort.train(
        trials, Post.split, Post.folder, lambda images: Post.news.put((trials[0].key, images))
    )
