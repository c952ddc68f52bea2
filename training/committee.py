"""Several trained networks become an ensemble: slower than each of them, and right more often."""

from collections.abc import Sequence
from dataclasses import replace

from model.card import Card
from model.networks import Committee, count_parameters
from model.torch_predictor import TorchPredictor

from .publish import calibrated
from .sets.data import Set
from .shelf import require_alike


def unite(name: str, members: Sequence[TorchPredictor], validation: Set) -> tuple[Card, Committee]:
    """The committee of `members`, calibrated on `validation`. Raises BadCard: their labels differ."""
    require_alike(*(each.card for each in members))
    first = members[0].card
    layouts = [each.card.network for each in members]
    temperatures = [each.card.temperature for each in members]
    module = Committee(layouts, temperatures)
    for mine, each in zip(module.members, members, strict=True):
        mine.load_state_dict(each.module.state_dict())
    layout = {"kind": "committee", "members": layouts, "temperatures": temperatures}
    card = replace(first, name=name, network=layout, parameters=count_parameters(module))
    return calibrated(card, module.eval(), validation), module
