"""The ranges of a network's inner layers, by which int8 scales them (see engines/graph.py)."""

from functools import partial

from torch import Tensor, nn

from model.card import Card
from model.convolutions import ConvNet
from model.engines.torch_predictor import TorchPredictor

from .sets.data import Set


def input_ranges(card: Card, network: nn.Module, data: Set) -> dict[str, float]:
    """The greatest input of each inner layer of convolutional networks on `data`, by the layer's name.

    The first two layers of a network and the last stay in floating point, where they cost little and
    err least (LOG.md); so does a layer whose inputs are all zero.
    """
    names = {layer: name for name, layer in network.named_modules()}
    found: dict[str, float] = {}

    def note(name: str, _: nn.Module, inputs: tuple[Tensor]) -> None:
        found[name] = max(found.get(name, 0.0), round(inputs[0].max().item(), 4))

    for part in (each for each in network.modules() if isinstance(each, ConvNet)):
        layers = [each for each in part.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
        hooks = [layer.register_forward_pre_hook(partial(note, names[layer])) for layer in layers[2:-1]]
        TorchPredictor(card, part, "cpu").logits(data.images)  # all of it, also by half a cascade
        for hook in hooks:
            hook.remove()
    return {name: most for name, most in found.items() if most > 0}
