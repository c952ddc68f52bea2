"""Trained networks by name: in the folder of runs, among the published ones, or by a file's path."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from model.card import BadCard, Card, NetworkLayout, read_card, weights_folder
from model.checkpoint import load_checkpoint
from model.networks import Cascade, count_parameters

RUNS = Path("runs")
"""Where every run has its folder."""

SETTINGS = "settings.json"
"""In a run's folder: its recipe."""

METRICS = "metrics.json"
"""In a run's folder: the figures of every epoch."""

MADE_OF = "made_of.json"
"""In place of both if a network was not trained: which networks it was made of, and their recipes."""

STUDY = "study.json"
"""In place of both, in a study's folder: what all of its trials have in common."""

HALVES = ("first", "second")


def find(name: str, runs: Path = RUNS) -> tuple[str, Path]:
    """Name and folder of the checkpoint meant by `name`.

    `name` is a file, a run (NAME or NAME-SEED) or a published network. Raises BadCard if there is none,
    or if the run is not finished: a published network of the same name does not take its place.
    """
    if name.endswith((".json", ".safetensors")):
        return Path(name).stem, Path(name).parent
    for folder in (runs / f"{name}-0", runs / name):
        if cards := sorted(folder.glob("*.safetensors")):
            return cards[0].stem, folder
        if (folder / SETTINGS).exists():
            raise BadCard(f"{folder} is not finished: there is no network in it yet")
    if (weights_folder() / f"{name}.json").exists():
        return name, weights_folder()
    raise BadCard(f"no network {name!r} in {runs} or {weights_folder()}: train it, or give a file")


def read_json(path: Path) -> Any:
    """The content of `path`. Raises BadCard if it is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise BadCard(f"{path} is damaged: {error}") from error


def settings_of(names: Sequence[str], runs: Path = RUNS) -> dict[str, Any]:
    """The saved recipes of those networks in `names` that are runs."""
    paths = {name: find(split_half(name)[0], runs)[1] / SETTINGS for name in names}
    return {name: read_json(path) for name, path in paths.items() if path.exists()}


def whole_card(name: str, runs: Path) -> Card:
    """The card of the network meant by `name`, or of the cascade it is half of. Raises BadCard."""
    stem, folder = find(split_half(name)[0], runs)
    return read_card(folder / f"{stem}.json")


def split_half(name: str) -> tuple[str, str]:
    """Split NAME/first or NAME/second into its two parts; the second is empty for a whole network."""
    whole, _, half = name.rpartition("/")
    return (whole, half) if whole and half in HALVES else (name, "")


def load(name: str, runs: Path = RUNS) -> tuple[Card, nn.Module]:
    """The card and network meant by `name` (see `find`); NAME/first or NAME/second is half a cascade."""
    whole, half = split_half(name)
    card, network = load_checkpoint(*find(whole, runs))
    if not half:
        return card, network
    if not isinstance(network, Cascade):
        raise BadCard(f"{card.name} is no cascade: there is no {name!r}")
    at = HALVES.index(half)
    layout, temperature = card.network[half], card.network["temperatures"][at]
    part: nn.Module = getattr(network, half)
    return replace(card, name=name, network=layout, temperature=temperature), part


def start_from(network: nn.Module, name: str, runs: Path) -> None:
    """Give `network` every weight of the network `name` that fits; the rest (the head) stays new."""
    _, other = load(name, runs)
    mine = network.state_dict()
    fitting = {key: value for key, value in other.state_dict().items() if mine[key].shape == value.shape}
    network.load_state_dict(mine | fitting)


def unmeasured(parent: Card, name: str, network: NetworkLayout, module: nn.Module) -> Card:
    """The card, not yet measured, of `module`, whose layout is `network`; the rest is as in `parent`."""
    card = replace(parent, name=name, network=network, parameters=count_parameters(module))
    return replace(card, accuracy={}, precision="float32", ranges={}, sha256="")


def require_alike(*cards: Card) -> None:
    """Raise BadCard if the networks do not know the same labels or held out different test sets: they
    cannot be combined."""
    first, *others = cards
    for other in others:
        if other.labels != first.labels:
            raise BadCard(f"{first.name} and {other.name} do not know the same labels")
        if other.measured_on != first.measured_on:
            raise BadCard(
                f"{first.name} and {other.name} were trained with different test sets held out "
                f"({first.measured_on}; {other.measured_on})"
            )
