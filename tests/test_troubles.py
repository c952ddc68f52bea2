"""With a job under way Redis dies, falls silent, has no disk or memory, the gateway no descriptors.

Nobody restarts a process of ours. Clients hear the planned 503 or their answer, soon; work goes on by
itself. The bounds are for a busy machine. `python tests/troubles_proof.py` has more, and stricter ones.
"""

from collections.abc import Iterator

import pytest

from chaos.harms import Harm, fill_disk, fill_memory, kill_redis, swallow, take_descriptors
from chaos.onlookers import REFUSED
from chaos.troubles import Patient, running_patient


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    with running_patient(tmp_path_factory.mktemp("patient"), linked=True) as well:
        yield well


@pytest.mark.parametrize(
    ("harm", "lasting_s", "recovered_s", "answered_s"),
    [
        (kill_redis, 1, 15, 6),
        (fill_disk, 0, 15, 6),
        (fill_memory, 1, 15, 6),
        (swallow, 2, 30, 12),
    ],
)
def test_trouble_passes(
    patient: Patient, harm: Harm, lasting_s: float, recovered_s: float, answered_s: float
) -> None:
    trouble = harm(patient, lasting_s)
    assert not trouble.violations
    assert not trouble.unplanned
    assert trouble.refused
    assert trouble.first_commit_s < recovered_s
    assert trouble.slowest_s < answered_s


def test_a_gateway_without_descriptors_refuses(patient: Patient) -> None:
    trouble = take_descriptors(patient, 1)
    assert not trouble.violations
    assert not trouble.unplanned - {(0, REFUSED)}  # without a descriptor there is no answer
    assert trouble.slowest_s < 10
    assert all(seen.status in (200, 202) for seen in trouble.after if seen.kind != REFUSED)
