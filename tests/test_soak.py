"""A small campaign with every commit, and that a seed is a schedule. The large one is `make soak`."""

import itertools
import sys
from collections import Counter
from pathlib import Path

import pytest

from chaos.campaign import run
from chaos.figures import promises_broken
from chaos.recovery import Heir, Kill, Outages, Recovery, heirs_of, percentile, recoveries
from chaos.schedule import Intensity, fingerprint, schedule
from chaos.stage import Cast
from chaos.storm import Terms, holds_chunks
from chaos.wards import Ward
from waiting import until

INTENSITY = Intensity(span=12, workers=4, redis=1, gateways=1, senders=1, blackouts=0, links=4, bells=6)
CAST = Cast(workers=3, gateways=2, model="digits", lease_ms=1000)
TERMS = Terms(
    seed=7, images=9_000, clients=4, cast=CAST, intensity=INTENSITY, bulk=(500, 1_000), limit_s=240
)


def test_nothing_is_lost_while_everything_is_killed() -> None:
    ledger = run(TERMS, lambda toll, quota, notes: None)
    told = f"{ledger.figures}\n" + "\n".join(ledger.broken)
    assert not [line for line in ledger.broken if not line.startswith("slow")], told
    assert ledger.figures["images"] >= 10_000, told
    assert ledger.figures["chunks in killed hands"] > 0, told
    assert ledger.figures["chunks delivered again"] > 0, told


def test_a_seed_is_a_schedule() -> None:
    assert fingerprint(1, INTENSITY) == fingerprint(1, INTENSITY) != fingerprint(2, INTENSITY)
    strikes = list(itertools.islice(schedule(1, INTENSITY), 500))
    assert [strike.at for strike in strikes] == sorted(strike.at for strike in strikes)


def test_a_schedule_strikes_as_often_as_it_is_told_to() -> None:
    while_it_lasts = itertools.takewhile(lambda strike: strike.at < 200 * 12, schedule(3, INTENSITY))
    counts = Counter(strike.kind for strike in while_it_lasts)
    assert counts["worker"] == pytest.approx(800, rel=0.1)
    assert counts["redis"] == pytest.approx(200, rel=0.1)
    assert counts["blackout"] == 0


def test_who_holds_chunks_is_known_by_the_log(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    lives = ["worker.ready", "chunk.claimed", "chunk.committed", "chunk.claimed", "worker.ready"]
    held = []
    for event in lives:
        with log.open("a") as file:
            file.write(f'{{"event": "{event}"}}\n')
        held.append(holds_chunks(log))
    assert held == [False, True, False, True, False]


A, B = ("a", 0), ("b", 0)


def test_recovery_is_from_a_kill_to_the_commit_by_somebody_else() -> None:
    claims = {1: [(A, 10.0)], 2: [(B, 10.0)]}
    (found,) = recoveries([Kill(1, 11.0)], claims, {A: 13.5, B: 10.5})
    assert (found.chunk, found.took_s) == (A, 2.5)


def test_what_was_committed_before_the_kill_was_not_in_hand() -> None:
    assert recoveries([Kill(1, 11.0)], {1: [(A, 10.0)]}, {A: 10.9}) == []


def test_the_clock_begins_anew_when_the_heir_is_killed_too() -> None:
    claims = {1: [(A, 10.0)], 2: [(A, 12.0)]}
    (found,) = recoveries([Kill(1, 11.0), Kill(2, 12.5)], claims, {A: 15.0})
    assert found.took_s == 2.5


def test_the_heir_is_who_took_a_chunk_next() -> None:
    claims = {1: [(A, 10.0)], 2: [(A, 12.0)], 3: [(A, 13.0), (B, 11.5)]}
    assert heirs_of([Recovery(A, 11.0, 5.0)], claims) == {A: Heir(2, 12.0)}


def test_slow_recoveries_few_kills_and_differing_commits_are_broken() -> None:
    figures = {"recovery p99 s": 2.1, "second commits that differ": 3, "strikes": {"worker": 8}}
    found = [line.split(":")[0] for line in promises_broken(figures, TERMS)]
    assert found == ["few", "few", "few", "slow", "wrong"]


def test_an_outage_excuses_only_what_it_touches() -> None:
    outages = Outages([(10.0, 12.0)])
    assert outages.touch(11.0, 15.0)
    assert not outages.touch(12.0, 15.0)


def test_percentiles_are_of_the_values() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile(list(range(1, 101)), 0.99) == 100


def test_a_process_that_ends_as_it_is_looked_at_is_started_again(tmp_path: Path) -> None:
    idle = [sys.executable, "-c", "import time; time.sleep(60)"]
    ward = Ward("w", idle, {}, tmp_path / "log", answers=lambda pid: ward.kill() > 0)
    ward.start()
    ward.look_after()
    assert not ward.ready
    until(lambda: ward.look_after() or len(ward.pids) == 2)
    ward.stop()
