"""A checkpoint is NAME.safetensors and its card NAME.json: one writer, one reader, no pickle."""

import hashlib
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load, save
from torch import nn

from .card import BadCard, Card, read_card, weights_folder
from .networks import build


def save_checkpoint(card: Card, module: nn.Module, folder: Path) -> Card:
    """Write weights, then card, each whole or not at all; returns the card with its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({key: value.contiguous() for key, value in module.state_dict().items()})
    card = replace(card, sha256=hashlib.sha256(weights).hexdigest())
    _write(folder / f"{card.name}.safetensors", weights)
    _write(folder / f"{card.name}.json", card.to_json().encode())
    return card


def load_checkpoint(name: str, folder: Path | None = None) -> tuple[Card, nn.Module]:
    """The card and its network, ready to predict. Raises BadCard when they do not fit together."""
    folder = folder or weights_folder()
    card = read_card(folder / f"{name}.json")
    path = folder / f"{name}.safetensors"
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise BadCard(f"{path}: {error}") from error
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise BadCard(f"{path}: the weights are not those the card was written for (sha256)")
    module = build(card.network)
    module.load_state_dict(load(weights))
    return card, module.eval()


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(path.suffix + ".draft")
    draft.write_bytes(content)
    draft.replace(path)
