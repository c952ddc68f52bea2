"""Packed results: whatever a worker packs, the gateway reads equal."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.problems import CATALOGUE
from model.flags import Flag
from model.layout import Box
from worker.ledger.packing import pack, unpack
from worker.ledger.results import FAILURES, Answer, Failure, Found, Page, Result, count_failures

PROBABILITIES = st.floats(0, 1, width=32)
FLAGS = st.integers(0, 255).map(Flag)
BOXES = st.builds(Box, *[st.integers(0, 2**32 - 1)] * 4)
NUMBERS = st.integers(0, 2**16 - 1)


def answers(k: int) -> st.SearchStrategy[Answer]:
    """Of k classes, or of fewer where a charset allows no more."""
    return st.integers(min(k, 1), k).flatmap(
        lambda n: st.builds(
            Answer,
            st.tuples(*[st.integers(0, 255)] * n),
            st.tuples(*[PROBABILITIES] * n),
            st.booleans(),
            FLAGS,
        )
    )


def pages(k: int) -> st.SearchStrategy[Page]:
    characters = st.builds(Found, answers(k), BOXES, NUMBERS, NUMBERS)
    return st.builds(Page, st.lists(characters, max_size=5).map(tuple))


FAILED: st.SearchStrategy[Failure] = st.builds(
    Failure, st.sampled_from(FAILURES[1:]), st.text(max_size=50)
)


@given(st.data(), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_results_come_back_equal(data: st.DataObject, k: int) -> None:
    results: list[Result] = data.draw(st.lists(answers(k) | pages(k) | FAILED, max_size=8))
    packed = pack(results)
    assert unpack(packed) == results
    assert pack(unpack(packed)) == packed
    assert count_failures(results).total() == sum(isinstance(each, Failure) for each in results)


def test_probabilities_are_those_of_the_network_to_the_last_bit() -> None:
    values = tuple(float(each) for each in np.float32([0.1, 1 / 3, 1e-30]))
    (back,) = unpack(pack([Answer((1, 2, 3), values, True)]))
    assert isinstance(back, Answer)
    assert np.array_equal(np.float32(back.probabilities), np.float32(values))


def test_a_result_costs_a_few_bytes() -> None:
    answer = Answer((1, 2, 3), (0.7, 0.2, 0.1), False)
    assert len(pack([answer] * 1000)) == 11 + 1000 * 18
    page = Page((Found(answer, Box(1, 2, 3, 4), 0, 0),) * 600)
    assert len(pack([page])) == 11 + 4 + 18 + 600 * (18 + 20)


@pytest.mark.parametrize("packed", [b"", b"R2", b"R1" + bytes(9), b"??????????", pack([Page(())])[:-1]])
def test_what_is_no_result_is_refused(packed: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        unpack(packed)


@pytest.mark.parametrize("kind", FAILURES[1:])
def test_every_failure_has_a_problem_of_its_name(kind: str) -> None:

    assert CATALOGUE[kind][0] == 422
