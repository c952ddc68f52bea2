"""What is staged becomes a job or is taken back, whatever went wrong meanwhile."""

import pytest
import redis

from api.intake.sources import NamedImage, Part
from api.problems import Problem
from api.settings import GatewaySettings
from api.staging import staged
from worker.admission import Room
from worker.entrance import Entrance

from ledgers import at_entrance

PARTS: list[Part] = [NamedImage(f"{number}.png", b"file") for number in range(5)]
SETTINGS = GatewaySettings(chunk_images=2, max_images=5)


def stage(url: str, parts: list[Part], *, taken: bool, fails: bool) -> None:
    async def work(entrance: Entrance) -> None:
        async with staged(entrance, parts, SETTINGS, Room()) as images:
            images.taken = taken
            if fails:
                raise RuntimeError

    at_entrance(url, work)


def test_what_becomes_a_job_stays(redis_url: str, clean_redis: "redis.Redis") -> None:
    stage(redis_url, PARTS, taken=True, fails=False)
    assert len(clean_redis.keys("ink:stage:*")) == 6  # three chunks and their names


def test_what_does_not_is_taken_back(redis_url: str, clean_redis: "redis.Redis") -> None:
    stage(redis_url, PARTS, taken=False, fails=False)
    with pytest.raises(RuntimeError):
        stage(redis_url, PARTS, taken=False, fails=True)
    with pytest.raises(Problem, match="at most 5 images"):
        stage(redis_url, [*PARTS, *PARTS], taken=False, fails=False)
    assert clean_redis.keys("ink:stage:*") == []
