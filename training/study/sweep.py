"""The results of the sweep of fully connected networks, for perceptron_chapter."""

from dataclasses import dataclass
from typing import Any

from .design import Effects
from .factors import Setting, neighbours
from .rounds import Outcomes, accuracies


@dataclass(frozen=True)
class Sweep:
    """The whole sweep: `screened`, the array's runs, and `compared`, all settings trained after it.

    `seen` is the best run of the array, `predicted` its prediction, `centre` the better of the two,
    `combined` takes the best level of each factor around it; `confirmed` are the two best.
    """

    screened: Outcomes[Setting]
    effects: Effects
    compared: Outcomes[Setting]
    seen: Setting
    predicted: Setting
    centre: Setting
    combined: Setting
    confirmed: Outcomes[Setting]

    def along(self, factor: str) -> dict[Any, list[float]]:
        """Accuracies, one for each seed, by the level of one factor, the others as in the centre."""
        return {
            getattr(each, factor): accuracies(self.compared[each])
            for each in neighbours(self.centre, factor)
        }
