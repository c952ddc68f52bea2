"""A checkpoint as a torch module: what training writes, and what the torch engine runs."""

from pathlib import Path
from textwrap import shorten

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from .card import BadCard, Card
from .networks import build
from .own_screens import OwnScreen, screened_layout, with_layers
from .storage import read_checkpoint, write_checkpoint


def save_checkpoint(card: Card, module: nn.Module, folder: Path) -> Card:
    """Write weights and card, whole or not at all; return the card with their hash."""
    weights = save({key: value.contiguous() for key, value in module.state_dict().items()})
    return write_checkpoint(card, weights, folder)


def load_checkpoint(name: str, folder: Path | None = None) -> tuple[Card, nn.Module]:
    """The card and its network, ready to predict. Raises BadCard, also if they do not fit together."""
    card, weights = read_checkpoint(name, folder)
    try:
        module = build(card.network)
        module.load_state_dict(load(weights))
    except (KeyError, TypeError, RuntimeError, ValueError, SafetensorError) as error:
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        raise BadCard(f"{card.name}: card and weights do not fit together: {reason}") from error
    return card, module.eval()


def with_screen(card: Card, module: nn.Module, own: OwnScreen | None) -> nn.Module:
    """The network of `card` together with its own screen, if it has one."""
    if not own:
        return module
    screened = build(screened_layout(card.network, own.card.network["hidden"]))
    tensors = with_layers(card.network, module.state_dict(), load(own.weights))
    screened.load_state_dict(tensors)
    return screened.eval()
