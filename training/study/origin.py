"""Where a network that is served came from: the run of its training, if that is at hand."""

from model.card import BadCard, Card, read_card

from ..history import read_run
from ..run import Epoch


def training_of(card: Card, runs: Path) -> tuple[Path, list[Epoch]] | None:
    """The folder in `runs` with the weights of `card`, and its epochs; None where there is none."""
    for weights in sorted(runs.glob("*/*.safetensors")):
        try:
            if read_card(weights.with_suffix(".json")).sha256 == card.sha256:
                return weights.parent, [Epoch(**each) for each in _epochs(weights.parent)]
        except (BadCard, OSError, ValueError, KeyError, TypeError):
            continue  # what is no run, or not whole, is not where it came from
    return None


def _epochs(folder: Path) -> list[dict[str, float]]:
    return [dict(each) for each in read_run(folder).epochs]
