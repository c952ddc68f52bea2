"""What a network must reach on its test set before it is served; one gate for each published name."""

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

    def faults(self, found: Evaluation) -> list[str]:
        """The reasons why `found` does not pass, in words; none if it does."""
        figures = found.accuracy
        sure = found.answers.right[found.answers.confidence >= found.card.uncertain_below]
        best = float(wilson(sure.sum(), len(sure))[1]) if len(sure) else 0.0
        checks = (
            (
                found.card.labels == self.labels,
                f"it reads {found.card.labels}, and {self.labels} are wanted",
            ),
            (figures["top1"] >= self.top1, f"top-1 {figures['top1']} is below {self.top1}"),
            (figures["ece"] <= self.ece, f"calibration error {figures['ece']} is above {self.ece}"),
            (
                best >= RELIABLE,
                f"of the answers that are not uncertain {figures['accuracy_of_sure']} are right: "
                f"clearly below {RELIABLE}"
                if len(sure)
                else "every answer is uncertain",
            ),
        )
        return [fault for good, fault in checks if not good]


GATES = {
    "balanced": Gate(BALANCED, 0.900),
    "letters": Gate(LETTERS, 0.950),
    "digits": Gate(DIGITS, 0.9962),
    "digits-nano": Gate(DIGITS, 0.988),
    "digits-mlp": Gate(DIGITS, 0.991),
}
