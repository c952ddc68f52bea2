"""Screens that belong to one network each: a head on the features that the network computes anyway.

Such a head costs next to nothing, while the shared screen costs a quarter of a pass. Its checkpoint lies
in the folder `screen` beside those of the networks, under the name of its network.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .card import BadCard, Card, NetworkLayout, weights_folder
from .storage import read_checkpoint

log = logging.getLogger(__name__)

FOLDER = "screen"

LAYERS = "screen"
"""The prefix of the names of a screen's layers within the network whose features it uses."""

Tensor = TypeVar("Tensor")
"""Of numpy, or of torch."""


@dataclass(frozen=True)
class OwnScreen:
    """A screen's weights, and its card, whose `network` names the weights that it was trained on."""

    card: Card
    weights: bytes


def read_own_screen(network: Card, folder: Path | None = None) -> OwnScreen | None:
    """The screen of `network` in `folder`, or the published one; None if there is none, or if it was
    trained on other weights. Raises BadCard."""
    folder = (folder or weights_folder()) / FOLDER
    if not (folder / f"{network.name}.json").exists():
        return None
    card, weights = read_checkpoint(network.name, folder)
    if card.network["of"] != network.sha256:
        log.warning(
            "%s has new weights, and its screen was trained on others: run `inkqueue screen %s`",
            network.name,
            network.name,
        )
        return None
    return OwnScreen(card, weights)


def backbone(network: NetworkLayout) -> tuple[str, NetworkLayout]:
    """The convolutional network that every image passes: the prefix of its tensors' names, its layout.

    Raises BadCard if there is none.
    """
    if network["kind"] == "cascade":
        start, layout = backbone(network["first"])
        return f"first.{start}", layout
    if network["kind"] != "convnet":
        raise BadCard(f"a screen of its own is for convolutional networks, not for a {network['kind']}")
    return "", network


def screened_layout(network: NetworkLayout, hidden: int) -> NetworkLayout:
    """The layout of `network` with a screen on its backbone (see convolutions.ScreenedConvNet)."""
    if network["kind"] == "cascade":
        return {**network, "first": screened_layout(network["first"], hidden)}
    return {**network, "kind": "screened", "hidden": hidden}


def with_layers(
    network: NetworkLayout, tensors: Mapping[str, Tensor], layers: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors of `network`, and `layers`, the tensors of a screen, under their names within it."""
    start, _ = backbone(network)
    return {**tensors, **{f"{start}{LAYERS}.{name}": layer for name, layer in layers.items()}}
