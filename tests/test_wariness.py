"""Images that kill whoever reads them are found, each after few deaths; the others are spared."""

import time

import pytest

from worker.results import WORKER_LOST
from worker.wariness import Wariness

from ledgers import LEASE_MS, ledger, submit

pytestmark = pytest.mark.usefixtures("clean_redis")

MAX_DEATHS = 3


def read_until_death(url: str, poisons: set[int]) -> list[int] | None:
    """What was given up of the images of the one chunk there is, None if the worker died of one."""
    worker = ledger(url)
    while not (claims := worker.claim("balanced", 100)):
        time.sleep(LEASE_MS / 10_000)
    (claim,) = claims
    if claim.deliveries == 1:
        return None if poisons else []
    wariness, given_up = Wariness(worker, claim, MAX_DEATHS), []
    for index in range(claim.count):
        failure = wariness.check(index)
        if failure:
            assert failure.type == WORKER_LOST
            assert failure.detail.startswith("3 workers were lost")
            given_up.append(index)
        elif index in poisons:
            return None
    return given_up


@pytest.mark.parametrize("poisons", [{0}, {4}, {1, 3}, {2, 3, 5}])
def test_each_is_found_by_two_more_deaths(redis_url: str, poisons: set[int]) -> None:
    submit(redis_url, "a", (6,))
    deaths = 0
    while (given_up := read_until_death(redis_url, poisons)) is None:
        deaths += 1
        assert deaths <= 1 + 2 * len(poisons)
    assert set(given_up) == poisons


def test_one_death_makes_nobody_guilty(redis_url: str) -> None:
    submit(redis_url, "a", (3,))
    for in_hand in (0, 2, 0):  # the first of them unnoticed
        assert read_until_death(redis_url, {in_hand}) is None
    assert read_until_death(redis_url, set()) == []
