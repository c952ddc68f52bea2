"""Where a network that is served came from: the run of its training, if that is at hand."""

from pathlib import Path

from model.card import BadCard, Card, read_card

from ..history import read_run
from ..run import Epoch


def training_of(card: Card, runs: Path) -> list[Epoch]:
    """The epochs of the run in `runs` that ended with the weights of `card`; none without a run."""
    for weights in sorted(runs.glob("*/*.safetensors")):
        try:
            if read_card(weights.with_suffix(".json")).sha256 == card.sha256:
                return [Epoch(**each) for each in read_run(weights.parent).epochs]  # type: ignore[arg-type]
        except (BadCard, OSError, ValueError, KeyError, TypeError):
            continue  # it is no run, or not whole
    return []
