"""Every case of the corpus gets its answer from real gateways, soon; and everyone lives on."""

from collections.abc import Iterator

import pytest

from corpus.cases import Case
from corpus.every import CASES
from corpus.lines import LINES
from corpus.running import run
from corpus.stage import Stage
from corpus.standing import Standing, watched
from corpus.table import wrong
from services import Services

SLACK = 5.0
"""Cores that others share count more seconds for the same work; `make corpus` grants none."""


@pytest.fixture(scope="module")
def stage(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What the cases are put to."""
    with Stage(services, tmp_path_factory.mktemp("corpus")) as stage:
        yield stage


@pytest.fixture(scope="module", autouse=True)
def standing(stage: Stage) -> Iterator[Standing]:
    """Who answers."""
    with watched(stage) as standing:
        yield standing


def test_every_line_has_a_case_and_every_case_a_line() -> None:
    wanted = {(group, line) for group, lines in LINES.items() for line in lines}
    assert {(case.group, case.line) for case in CASES} == wanted
    assert len({str(case) for case in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_gets_its_answer(case: Case, stage: Stage) -> None:
    assert wrong(run(case, stage), SLACK) is None


def test_everyone_lives_on(standing: Standing) -> None:
    assert standing.faults() == []
