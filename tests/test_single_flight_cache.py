"""One answer for many who ask: asked for once, kept for a while, never more than so many."""

import asyncio

import pytest

from api.single_flight_cache import SingleFlightCache


class Source:
    """Answers with how often it was asked."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.asked, self._seconds = 0, seconds

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(self._seconds)
        return number


def test_those_who_ask_together_get_one_answer() -> None:
    async def talk() -> None:
        source, cache = Source(), SingleFlightCache[int](60, 10)
        assert await asyncio.gather(*(cache.get("a", source) for _ in range(5))) == [1] * 5
        assert await cache.get("a", source) == 1
        assert await cache.get("b", source) == 2

    asyncio.run(talk())


def test_an_old_answer_is_asked_for_again() -> None:
    async def talk() -> None:
        source, cache = Source(0), SingleFlightCache[int](0.02, 10)
        assert await cache.get("a", source) == 1
        await asyncio.sleep(0.03)
        assert await cache.get("a", source) == 2

    asyncio.run(talk())


def test_the_oldest_is_forgotten_first() -> None:
    async def talk() -> None:
        source, cache = Source(0), SingleFlightCache[int](60, 2)
        for key in "abc":
            await cache.get(key, source)
        assert await cache.get("b", source) == 2
        assert await cache.get("a", source) == 4
        cache.drop("a")
        assert await cache.get("a", source) == 5

    asyncio.run(talk())


def test_who_leaves_takes_no_answer_from_others() -> None:
    async def talk() -> None:
        source, cache = Source(0.05), SingleFlightCache[int](1, 10)
        first = asyncio.create_task(cache.get("a", source))
        second = asyncio.create_task(cache.get("a", source))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == 1

    asyncio.run(talk())


def test_a_failure_is_heard_by_all_and_not_kept() -> None:
    async def talk() -> None:
        async def fail() -> int:
            await asyncio.sleep(0.01)
            raise ValueError("no")

        cache = SingleFlightCache[int](1, 10)
        answers = (cache.get("a", fail) for _ in range(2))
        both = await asyncio.gather(*answers, return_exceptions=True)
        assert [type(each) for each in both] == [ValueError] * 2
        assert await cache.get("a", Source()) == 1
        with pytest.raises(ValueError, match="no"):
            await cache.get("b", fail)

    asyncio.run(talk())
