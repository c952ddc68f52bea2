"""`runs`: what has been trained so far."""

from ..history import history
from ..registry import RUNS
from .console import show
from .options import Runs


def runs(runs: Runs = RUNS) -> None:
    """Print a table of past runs."""
    show([history(runs)])
