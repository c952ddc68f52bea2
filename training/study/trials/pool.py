"""Processes that train trials, one torch thread each; they end when the study's own process does."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import TracebackType

import numpy as np
import torch

from model.machine import usable_cores

from ...sets.data import Split
from . import trainer
from .trial import Outcome, Trial

News = tuple[Trial, int]
"""A trial, and how many more images it was shown."""


class Pool:
    """`processes` (0: one per core) that train on `split` and keep what they find in `folder`.

    If the `with` ends by an exception, they end at once; what they saved at their last point stays.
    """

    def __init__(self, split: Split, folder: Path, processes: int) -> None:
        self.processes = processes or usable_cores()
        spawn = multiprocessing.get_context("spawn")
        self._news: SimpleQueue[News] = spawn.SimpleQueue()
        life, self._life = spawn.Pipe(duplex=False)
        shown = replace(split, test=split.test.take(np.empty(0, np.intp)), partial_labels=None)
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

    def train(self, trial: Trial) -> "Future[Outcome]":
        """A future of the outcome of `trial`."""
        return self._executor.submit(_train, trial)

    def news(self) -> list[News]:
        """The news since the last call."""
        found = []
        while not self._news.empty():
            found.append(self._news.get())
        return found


class Post:
    """What `_begin` gives to `_train` in the same process."""

    split: Split
    folder: Path
    news: "SimpleQueue[News]"


def _begin(split: Split, folder: Path, news: "SimpleQueue[News]", life: Connection) -> None:
    """Set up a process. Control-C is left to the study's own process, which then closes its `life`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    torch.set_num_threads(1)
    Post.split, Post.folder, Post.news = split, folder, news


def _end_with(life: Connection) -> None:
    """End this process, whatever it is doing, once the other end is closed or its owner is killed."""
    life.poll(None)
    os._exit(1)


def _train(trial: Trial) -> Outcome:
    return trainer.train(trial, Post.split, Post.folder, lambda images: Post.news.put((trial, images)))
