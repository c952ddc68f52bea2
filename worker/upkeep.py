"""The upkeep that every process does: it rings for chunks that wait and buries expired jobs.

Stateless; any number of processes may do it, and one is enough.
"""

import logging
from collections.abc import Sequence
from functools import partial

from .connections.outage import Outage
from .ledger.ledger import Ledger
from .periodic import Periodic

log = logging.getLogger(__name__)

ROUND_S = 0.5


def upkeep(ledger: Ledger, models: Sequence[str]) -> Periodic:
    """A thread that does the upkeep of `models`; jobs may expire as fast as they came."""
    outage = Outage(log, "upkeep cannot be done", "upkeep goes on")
    return Periodic("upkeep", ROUND_S, partial(ledger.upkeep, models), outage)
