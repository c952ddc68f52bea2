"""From glyphs to a network's outputs: the thousands of a page take several passes, each measured."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from model.engines.predictor import Floats, Images, Predictor

from ..ledger.measures import ForwardPass

MOST = 1024
"""The most glyphs of a pass."""

IsolatedPass = Callable[[Images], Floats | None]


class Passes:
    """One network's passes. `run_isolated` reads glyphs in a process of its own, and returns None if it
    does not survive them; `touch` is called before each pass."""

    def __init__(
        self, predictor: Predictor, run_isolated: IsolatedPass, touch: Callable[[], None]
    ) -> None:
        self._predictor, self._run_isolated, self._touch = predictor, run_isolated, touch

    def outputs(self, glyphs: Images, began: float, passes: list[ForwardPass]) -> Floats:
        """The outputs (see Predictor) of glyphs (n, 28, 28), n >= 0; `began` is when their decoding
        began (by perf_counter). Adds each pass to `passes`. Raises RuntimeError if the network fails."""
        rows: list[Floats] = []
        for some in self._parts(glyphs):
            decoded = time.perf_counter()
            rows.append(self._predictor.outputs(some))
            done = time.perf_counter()
            start, decode_s, forward_s = time.time() - (done - began), decoded - began, done - decoded
            passes.append(ForwardPass(len(some), start, decode_s, forward_s))
            began = done
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def isolated(self, glyphs: Images) -> Floats | None:
        """The outputs of glyphs (n, 28, 28), n >= 0, read in isolation; None if they kill."""
        rows: list[Floats] = []
        for some in self._parts(glyphs):
            outputs = self._run_isolated(some) if len(some) else self._predictor.outputs(some)
            if outputs is None:
                return None
            rows.append(outputs)
        return np.concatenate(rows)

    def _parts(self, glyphs: Images) -> Iterator[Images]:
        for at in range(0, max(1, len(glyphs)), MOST):
            self._touch()
            yield glyphs[at : at + MOST]
