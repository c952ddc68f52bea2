"""Seeded bugs: each breaks the code in one place, and the named test must see it.

`make mutants` tries them all; tests/test_mutations.py checks that the places still exist.
"""

from .claiming import CLAIMING
from .committing import COMMITTING
from .gateway import GATEWAY
from .submission import SUBMISSION
from .upkeep import UPKEEP
from .webhooks import WEBHOOKS
from .worker import WORKER

MUTATIONS = (*SUBMISSION, *CLAIMING, *COMMITTING, *UPKEEP, *WEBHOOKS, *GATEWAY, *WORKER)
