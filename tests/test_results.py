"""Results: whatever a worker packs, the gateway reads equal."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.problems import CATALOGUE
from worker.results import FAILURES, Answer, Failure, Result, count_failures, pack, unpack

PROBABILITIES = st.floats(0, 1, width=32)


def answers(k: int) -> st.SearchStrategy[Result]:
    classes = st.tuples(*[st.integers(0, 255)] * k)
    return st.builds(Answer, classes, st.tuples(*[PROBABILITIES] * k), st.booleans())


FAILED: st.SearchStrategy[Result] = st.builds(
    Failure, st.sampled_from(FAILURES[1:]), st.text(max_size=50)
)


@given(st.data(), st.integers(0, 10))
@settings(max_examples=300, deadline=None)
def test_results_come_back_equal(data: st.DataObject, k: int) -> None:
    results = data.draw(st.lists(answers(k) | FAILED, max_size=30))
    packed = pack(results, k)
    assert unpack(packed) == results
    assert pack(unpack(packed), k) == packed
    assert count_failures(results).total() == sum(isinstance(each, Failure) for each in results)


def test_probabilities_are_those_of_the_network_to_the_last_bit() -> None:
    values = tuple(float(each) for each in np.float32([0.1, 1 / 3, 1e-30]))
    (back,) = unpack(pack([Answer((1, 2, 3), values, True)], 3))
    assert isinstance(back, Answer)
    assert np.array_equal(np.float32(back.probabilities), np.float32(values))


def test_a_result_costs_a_few_bytes() -> None:
    answer = Answer((1, 2, 3), (0.7, 0.2, 0.1), False)
    assert len(pack([answer] * 1000, 3)) == 7 + 1000 * 17


@pytest.mark.parametrize("packed", [b"", b"R1", b"R2\3\0\0\0\0", b"??????????"])
def test_what_is_no_result_is_refused(packed: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        unpack(packed)


@pytest.mark.parametrize("kind", FAILURES[1:])
def test_every_failure_has_a_problem_of_its_name(kind: str) -> None:

    assert CATALOGUE[kind][0] == 422
