"""What a network answered on a labelled set: the material of every measure and every picture."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model.engines.predictor import Floats

Labels = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """`probabilities` (n, classes), calibrated; `truth` (n,) right classes; `labels[i]` is class i."""

    probabilities: Floats
    truth: Labels
    labels: str

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def read(self) -> Ints:
        """(n,) the likeliest class."""
        best: Ints = self.probabilities.argmax(axis=1)
        return best

    @cached_property
    def confidence(self) -> Floats:
        """(n,) the probability of that class."""
        highest: Floats = self.probabilities.max(axis=1)
        return highest

    @cached_property
    def right(self) -> Bools:
        """(n,) whether that class is the right one."""
        hits: Bools = self.read == self.truth
        return hits

    @cached_property
    def confusion(self) -> Ints:
        """(classes, classes) how many images of class [row] were read as class [column]."""
        size = len(self.labels)
        pairs = self.truth.astype(np.intp) * size + self.read
        return np.bincount(pairs, minlength=size * size).reshape(size, size)
