"""Several trained networks become an ensemble: slower than each of them, and right more often."""

from collections.abc import Sequence

from model.card import Card
from model.engines.torch_predictor import TorchPredictor
from model.networks import Ensemble

from .publish import calibrated
from .registry import require_alike, unmeasured
from .sets.data import Set


def unite(name: str, members: Sequence[TorchPredictor], validation: Set) -> tuple[Card, Ensemble]:
    """The ensemble of `members`, calibrated on `validation`.

    Raises BadCard if their labels or their test sets differ.
    """
    require_alike(*(each.card for each in members))
    layouts = [each.card.network for each in members]
    temperatures = [each.card.temperature for each in members]
    module = Ensemble(layouts, temperatures)
    for mine, each in zip(module.members, members, strict=True):
        mine.load_state_dict(each.module.state_dict())
    layout = {"kind": "ensemble", "members": layouts, "temperatures": temperatures}
    card = unmeasured(members[0].card, name, layout, module)
    return calibrated(card, module.eval(), validation), module
