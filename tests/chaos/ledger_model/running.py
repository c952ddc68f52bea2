"""Runs the machine: fixed walks in the tests, long random ones by hand."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chaos.ledger_model.census import Census
from chaos.ledger_model.machine import LedgerMachine
from chaos.ledger_model.server import LedgerServer

STEPS = 50


def explore(examples: int, *, fixed: bool, shrink: bool) -> Census:
    """The census of `examples` walks of STEPS steps, the same ones each time if `fixed`.

    Raises Broken at the first difference from the model; `shrink` finds the shortest way there.
    """
    census = Census()
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    with tempfile.TemporaryDirectory() as folder:
        server = LedgerServer(Path(folder))
        machine = type("Ledger", (LedgerMachine,), {"server": server, "census": census})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    derandomize=fixed,
                    database=None,
                    deadline=None,
                    phases=phases,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            server.close()
    return census
