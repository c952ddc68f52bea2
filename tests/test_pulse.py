"""A process tells that it is there, again and again, whatever becomes of Redis meanwhile."""

import socket
import time
from importlib.resources import files

import pytest
import redis

from worker import pulse
from worker.ledger import scripts
from worker.ledger.keys import ALIVE_MS
from worker.pulse import Pulse, host_of, own_name

from waiting import until


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), KeyError("a fault of ours")])
def test_it_beats_until_it_is_stopped_and_outlives_what_goes_wrong(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    beats: list[float] = []

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise error

    monkeypatch.setattr(pulse, "BEAT_S", 0.05)
    heart = Pulse(beat)
    heart.start()
    until(lambda: len(beats) >= 4)
    heart.stop()
    until(lambda: not heart.is_alive())
    told = len(beats)
    time.sleep(0.2)
    assert len(beats) == told


def test_a_worker_is_said_to_be_alive_for_longer_than_a_few_beats() -> None:
    assert 3000 * pulse.BEAT_S <= ALIVE_MS
    assert f"local ALIVE = {ALIVE_MS} " in (files(scripts) / "common.lua").read_text()


def test_no_two_have_the_same_name_and_each_tells_its_host() -> None:
    assert own_name() != own_name()
    assert host_of(own_name()) == socket.gethostname()
