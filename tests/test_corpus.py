"""Every case of the corpus gets its answer from real gateways, soon; and everyone lives on."""

import pytest
from corpus.every import CASES
from corpus.cases import Case
from corpus.lines import LINES
from corpus.running import run, WAITED_S
from corpus.stage import Stage

@pytest.fixture(scope="module")
def stage(services, tmp_path_factory):
    with Stage(services, tmp_path_factory.mktemp("corpus")) as stage:
        yield stage


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_gets_its_answer(case: Case, stage: Stage) -> None:
    done = run(case, stage)
    assert done.outcome == case.expected
    assert done.spent_s < case.spends_s
    assert done.waited_s < WAITED_S
