"""A few jobs' whole life, with one command to Redis failed in it: nothing is lost, done twice or stuck.

Every run draws other cases; `python tests/faults.py` tries all of them, `--only CASE` one again.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from worker.ledger.ledger import Ledger

from chaos.cases import Case, Loop
from chaos.faults import OOM, Cut
from chaos.rig import GATEWAY, PROCESSES, WORKER, running_rig
from receivers import running_receiver
from samples import pngs
from services import running_redis

STRIKES, DRAWN = 5, 15
DEAREST = [
    Case(GATEWAY, "EVAL submit", 1, Cut.AFTER),
    Case(GATEWAY, "EVALSHA submit", 2, Cut.AFTER),
    Case(GATEWAY, "EVALSHA lock", 2, Cut.AFTER),
    Case(GATEWAY, "EVALSHA unlock", 2, OOM),
    Case(WORKER, "EVALSHA turn", 1, Cut.AFTER),
    Case(WORKER, "EVALSHA claim", 2, Cut.MIDDLE),
]
"""Those that go wrong most easily. The first of a script is the one that Redis does not know it by."""


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with running_redis(folder) as url, running_rig(url) as rig, running_receiver() as listener:
        yield Loop(rig, listener, pngs(4, np.random.default_rng(0)))


@pytest.mark.parametrize("case", DEAREST, ids=str)
def test_a_fault_where_it_hurts(loop: Loop, case: Case) -> None:
    outcome = loop.run(case)
    assert outcome.struck
    assert not outcome.violations


def test_faults_anywhere(loop: Loop) -> None:
    cases = loop.cases()
    assert {case.process for case in cases} == {*PROCESSES}
    struck = 0
    for case in random.sample(cases, DRAWN):
        outcome = loop.run(case)
        assert not [f"{case}: {line}" for line in outcome.violations]
        struck += outcome.struck  # the clock moves some of them
        if struck == STRIKES:
            break
    assert struck == STRIKES


def test_what_is_lost_is_noticed(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop can fail: a worker that takes a commit for done is found out."""
    monkeypatch.setattr(
        Ledger,
        "turn",
        lambda self, commits, measured, *claim_args: (["new"] * len(commits), self.claim(*claim_args)),
    )
    outcome = loop.run(DEAREST[0])
    assert "does not end" in outcome.violations[0]
