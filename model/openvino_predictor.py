"""Networks run by OpenVINO: the fastest engine on a CPU, and one that needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from .card import Card, Precision
from .compiled import Compiled, core
from .graph import Graphs, graphs
from .predictor import Floats, Images, Predictor, on, softmax
from .storage import read_checkpoint

HINTS = {"float32": "f32", "bfloat16": "bf16"}

TIE, NEAR = 0.05, 0.01
"""Logits that differ by less, a confidence that is nearer to a threshold: settled in float32, where
the precision is mixed. Of `balanced`, bfloat16 was seen to move them by 0.042 and 0.015; on validation
no label differs from half of NEAR on (LOG.md)."""

Run = Callable[[Images], Floats]
Close = Callable[[Floats], npt.NDArray[np.bool_]]


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself; where it does not, that precision only costs."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoPredictor(Predictor):
    """A compiled network, or a cascade or committee of them, on one CPU thread.

    Answers do not depend on the batch, bit for bit.
    """

    def __init__(self, card: Card, graphs: Graphs, precision: Precision = "float32") -> None:
        """`graphs` of the card's network, which others may share."""
        super().__init__(card, "cpu", f"OpenVINO {precision}, {on(1)}")
        self._graphs, self._parts = graphs, list[Run]()
        self._network = self._assemble(card.network, "", precision, _is_tie)

    def warm_up(self) -> None:
        """Every part, else the first image that is unsure would wait."""
        for part in self._parts:
            part(np.zeros((1, 28, 28), np.uint8))

    def forward(self, images: Images) -> Floats:
        """One pass."""
        return self._network(images)

    def _assemble(
        self, network: Mapping[str, Any], start: str, precision: Precision, close: Close
    ) -> Run:
        """What runs `network`; in mixed precision, float32 settles what is `close`."""

        def part(name: str, layout: Mapping[str, Any], close: Close = _is_tie) -> Run:
            return self._assemble(layout, f"{start}{name}.", precision, close)

        if network["kind"] == "cascade":
            temperatures, threshold = network["temperatures"], network["threshold"]
            first = part("first", network["first"], partial(_is_near, temperatures[0], threshold))
            return _cascade(first, part("second", network["second"]), temperatures, threshold)
        if precision == "mixed":
            fast = self._assemble(network, start, "bfloat16", close)
            return _settled(fast, self._assemble(network, start, "float32", close), close)
        if network["kind"] == "committee":
            members = [part(f"members.{at}", each) for at, each in enumerate(network["members"])]
            return _committee(members, network["temperatures"])
        compiled = Compiled(self._graphs[start], HINTS[precision])
        self._parts.append(compiled)
        return compiled


def read_graphs(name: str, folder: Path | None = None) -> Graphs:
    """Of the checkpoint `name` in `folder`, or the published one. Raises BadCard."""
    card, weights = read_checkpoint(name, folder)
    return graphs(card, load(weights))


def _settled(fast: Run, exact: Run, close: Close) -> Run:
    """What `fast` says, and `exact` of images of which that is `close` to saying something else."""

    def run(images: Images) -> Floats:
        logits = fast(images)
        undecided = close(logits)
        if undecided.any():
            logits[undecided] = exact(images[undecided])
        return logits

    return run


def _is_tie(logits: Floats) -> npt.NDArray[np.bool_]:
    best = np.partition(logits, -2, axis=1)
    tied: npt.NDArray[np.bool_] = best[:, -1] - best[:, -2] < TIE
    return tied


def _is_near(temperature: float, threshold: float, logits: Floats) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = abs(softmax(logits, temperature).max(axis=1) - threshold) < NEAR
    return near


def _cascade(first: Run, second: Run, temperatures: tuple[float, float], threshold: float) -> Run:
    """See networks.Cascade."""

    def run(images: Images) -> Floats:
        logits = first(images) / np.float32(temperatures[0])
        unsure = softmax(logits, 1.0).max(axis=1) < threshold
        if unsure.any():
            logits[unsure] = second(images[unsure]) / np.float32(temperatures[1])
        return logits

    return run


def _committee(members: Sequence[Run], temperatures: Sequence[float]) -> Run:
    """See networks.Committee."""
    divisors = np.array(temperatures, np.float32).reshape(-1, 1, 1)

    def run(images: Images) -> Floats:
        said = np.stack([member(images) for member in members]) / divisors
        said -= np.logaddexp.reduce(said, axis=2, keepdims=True)
        logits: Floats = np.logaddexp.reduce(said, axis=0)
        return logits

    return run
