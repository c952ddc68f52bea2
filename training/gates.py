"""What a network must reach on its test set before it is served; one gate for each published name."""

from collections.abc import Iterator
from dataclasses import dataclass

from .measures.calibration import RELIABLE
from .measures.evaluate import Evaluation
from .measures.significance import wilson
from .sets.catalogue import BALANCED, DIGITS, LETTERS


@dataclass(frozen=True)
class Gate:
    """The labels in their order, the least top-1 and the greatest expected calibration error.

    Answers that are not flagged uncertain must not be clearly (95 %) less often right than RELIABLE.
    """

    labels: str
    top1: float
    ece: float = 0.015

    def faults(self, found: Evaluation) -> Iterator[str]:
        """The reasons why `found` does not pass, in words; none if it does."""
        figures, sure = found.accuracy, found.sure
        if found.card.labels != self.labels:
            yield f"it reads {found.card.labels}, and {self.labels} are wanted"
        if not figures["top1"] >= self.top1:  # or not a number
            yield f"top-1 {figures['top1']} is below {self.top1}"
        if not figures["ece"] <= self.ece:
            yield f"calibration error {figures['ece']} is above {self.ece}"
        if not len(sure):
            yield "every answer is uncertain"
        elif wilson(sure.sum(), len(sure))[1] < RELIABLE:
            right = figures["accuracy_of_sure"]
            yield f"of the answers that are not uncertain {right} are right: clearly below {RELIABLE}"


GATES = {
    "balanced": Gate(BALANCED, 0.900),
    "letters": Gate(LETTERS, 0.950),
    "digits": Gate(DIGITS, 0.9962),
    "digits-nano": Gate(DIGITS, 0.988),
    "digits-mlp": Gate(DIGITS, 0.991),
}
