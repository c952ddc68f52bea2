"""A model card: everything about a network but its weights, as JSON beside them.

The gateway reads cards to describe and check models; it never needs torch for that.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

WEIGHTS = Path(__file__).parent / "weights"

NetworkLayout = Mapping[str, Any]
"""A network's kind, and that kind's own arguments (see networks.build)."""

Normalization = Literal["emnist", "mnist"]
Precision = Literal["float32", "mixed", "bfloat16", "int8"]
"""From the highest to the lowest; mixed is bfloat16 and int8 is 8-bit integers, both with float32 for
close decisions."""


class BadCard(ValueError):
    """A card is missing or not understood; the text names the file."""


@dataclass(frozen=True)
class Card:
    """One published network.

    `labels[i]` is class i. `mean` and `std` are of pixels in 0..1. `temperature` divides the logits
    (Guo et al. 2017). An answer below `uncertain_below` is flagged. `precision` is the lowest that was
    measured to leave its labels unchanged. `ranges` are the greatest inputs of layers, by their names,
    which int8 computes in integers. `sha256` is that of the weights file.
    """

    name: str
    network: NetworkLayout
    labels: str
    normalization: Normalization
    mean: float
    std: float
    parameters: int
    temperature: float = 1.0
    uncertain_below: float = 0.0
    accuracy: Mapping[str, float] = field(default_factory=dict)
    measured_on: str = ""
    precision: Precision = "float32"
    ranges: Mapping[str, float] = field(default_factory=dict)
    sha256: str = ""

    def to_json(self) -> str:
        """The card as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_card(path: Path) -> Card:
    """The card in `path`. Raises BadCard."""
    try:
        return Card(**json.loads(path.read_text()))
    except TypeError as error:
        raise BadCard(
            f"{path}: not a card of this version; update Inkqueue or train the network again: {error}"
        ) from error
    except (OSError, ValueError) as error:
        raise BadCard(f"{path}: {error}") from error


def parts_of(network: NetworkLayout, start: str = "") -> list[tuple[str, NetworkLayout]]:
    """The parts of a cascade or ensemble, each as the prefix of its tensors' names and its layout; none
    for any other network. `start` is the prefix of `network` itself."""
    parts: Mapping[str, NetworkLayout] = {}
    if network["kind"] == "cascade":
        parts = {name: network[name] for name in ("first", "second")}
    elif network["kind"] == "ensemble":
        parts = {f"members.{at}": each for at, each in enumerate(network["members"])}
    return [(f"{start}{name}.", part) for name, part in parts.items()]


def classes_of(network: NetworkLayout) -> int:
    """How many classes a card's `network` tells apart. Raises ValueError if it does not say so."""
    while "classes" not in network:
        if not (parts := parts_of(network)):
            raise ValueError(f"unknown network kind {network['kind']!r}, or one without its classes")
        _, network = parts[-1]
    classes: int = network["classes"]
    return classes


def read_cards(folder: Path | None = None) -> dict[str, Card]:
    """Every card in `folder` (by default INKQUEUE_WEIGHTS, else the shipped ones), by name. Raises
    BadCard."""
    named, folder = folder, folder or weights_folder()
    cards = [read_card(path) for path in card_paths(folder)]
    if not cards:
        setting = "" if named else "INKQUEUE_WEIGHTS: "
        raise BadCard(f"{setting}{folder}: no model card (*.json) here")
    return {card.name: card for card in cards}


def card_paths(folder: Path) -> list[Path]:
    """The paths of all cards in `folder`, even of those whose weights are missing. A run's folder has
    other JSON files, too: only a card has weights beside it, or a threshold."""
    return [
        path
        for path in sorted(folder.glob("*.json"))
        if path.with_suffix(".safetensors").exists() or b'"uncertain_below"' in path.read_bytes()
    ]


def weights_folder() -> Path:
    """The folder of the cards and weights."""
    return Path(os.environ.get("INKQUEUE_WEIGHTS") or WEIGHTS)
