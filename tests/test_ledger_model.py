"""The ledger against its model: whatever happens in whatever order, both say the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from chaos.machine import Census, LedgerMachine
from chaos.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A redis-server of its own, since it will be killed."""
    own = Server(tmp_path)
    yield own
    own.close()


def test_the_ledger_does_what_its_model_says(server: Server) -> None:
    census = Census()
    machine = type("Ledger", (LedgerMachine,), {"server": server, "census": census})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=50,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(census)
    assert len(census.states) > 500
