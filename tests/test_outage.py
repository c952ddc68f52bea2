"""What is logged of a Redis that fails: the beginning, another kind of failure, the end."""

import logging

import pytest
import redis

from worker.connections.outage import Outage


def test_an_outage_takes_two_lines_however_long_it_is(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("own"), "no work can be found", "work can be found again")
    with caplog.at_level("INFO"):
        outage.over()
        for _ in range(5):
            outage.failed(redis.ConnectionError("gone"))
        outage.over()
        outage.over()
    assert caplog.messages == ["no work can be found, trying again: gone", "work can be found again"]


def test_an_attempt_raises_nothing_but_what_ends_a_process(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("own"), "no work can be found", "work can be found again")
    with caplog.at_level("INFO"):
        for error in (redis.ConnectionError("gone"), redis.ConnectionError("gone")):
            with outage:
                raise error
        with outage:
            pass
        with pytest.raises(SystemExit), outage:
            raise SystemExit
    assert caplog.messages == ["no work can be found, trying again: gone", "work can be found again"]


def test_another_kind_of_failure_is_told_and_a_fault_of_ours_with_where_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage(logging.getLogger("own"), "no heartbeat", "heartbeats again")
    for error in (redis.ConnectionError("gone"), redis.ReadOnlyError("no"), KeyError("model")):
        outage.failed(error)
        outage.failed(error)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "ERROR"]
    assert [bool(record.exc_info) for record in caplog.records] == [False, False, True]


def test_what_others_tell_of_is_outlived_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("own"), "no look", "looks again", (redis.ConnectionError,))
    with caplog.at_level("INFO"):
        for error in (redis.ConnectionError("gone"), redis.ReadOnlyError("no"), redis.ConnectionError()):
            with outage:
                raise error
        outage.over()
    assert caplog.messages == ["no look, trying again: no", "looks again"]
