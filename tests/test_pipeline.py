"""Batches are read side by side, and committed in the order in which they were begun."""

import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from worker.engine.pipeline import Pipeline
from worker.ledger.claims import Commit

PATIENCE_S = 10


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    made = Pipeline(2)
    yield made
    made.close()


def test_as_many_batches_are_read_at_a_time_as_there_are_threads(pipeline: Pipeline) -> None:
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def read() -> Sequence[Commit]:
        both.wait()
        return []

    for _ in range(4):
        pipeline.begin(read, lambda commits: 5)
        pipeline.wait_taken()
    assert pipeline.end() == 20
    assert pipeline.end() == 0


def test_no_more_batches_are_read_than_there_are_threads(pipeline: Pipeline) -> None:
    busy, most = threading.Semaphore(2), []

    def read() -> Sequence[Commit]:
        most.append(busy.acquire(blocking=False))
        threading.Event().wait(0.02)
        busy.release()
        return []

    for _ in range(6):
        pipeline.begin(read, lambda commits: 1)
        pipeline.wait_taken()
    assert pipeline.end() == 6
    assert all(most)


def test_a_batch_that_waits_is_taken_by_the_thread_that_is_free_first(pipeline: Pipeline) -> None:
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def read() -> Sequence[Commit]:
        begun.release()
        assert go_on.wait(PATIENCE_S)
        return []

    for _ in range(3):
        pipeline.begin(read, lambda commits: 1)
    for _ in range(2):
        assert begun.acquire(timeout=PATIENCE_S)
    assert not begun.acquire(timeout=0.05)
    go_on.set()
    assert begun.acquire(timeout=PATIENCE_S)
    pipeline.wait_taken()
    assert pipeline.end() == 3


def test_what_was_begun_first_is_committed_first(pipeline: Pipeline) -> None:
    second_was_read, committed = threading.Event(), list[str]()

    def read(name: str) -> Sequence[Commit]:
        if name == "first":
            assert second_was_read.wait(PATIENCE_S)
        else:
            second_was_read.set()
        return []

    def commit(name: str, commits: Sequence[Commit]) -> int:
        committed.append(name)
        return 1

    for name in ("first", "second"):
        pipeline.begin(partial(read, name), partial(commit, name))
    assert pipeline.end() == 2
    assert committed == ["first", "second"]


def test_what_fails_is_told_and_others_are_committed(pipeline: Pipeline) -> None:
    committed = threading.Event()

    def fail() -> Sequence[Commit]:
        raise ConnectionError

    def commit(commits: Sequence[Commit]) -> int:
        committed.set()
        return 1

    pipeline.begin(list, commit)
    pipeline.begin(fail, commit)
    pipeline.begin(list, commit)
    with pytest.raises(ConnectionError):
        pipeline.wait_taken()
    with pytest.raises(ConnectionError):
        pipeline.end()
    assert committed.is_set()
    assert pipeline.end() == 0
