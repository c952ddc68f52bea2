"""Networks run by OpenVINO: the fastest engine on a CPU, and one that needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from .card import Card, Precision
from .compiled import Compiled, core
from .graph import Graphs, graphs
from .own_screens import OwnScreen, backbone, screened_layout, with_layers
from .predictor import Floats, Images, Predictor, on, softmax

HINTS = {"float32": "f32", "bfloat16": "bf16"}

TIE, NEAR = 0.05, 0.01
"""In mixed precision, float32 decides where the two best logits differ by less than TIE, or where a
confidence is nearer than NEAR to a threshold. For `balanced`, bfloat16 was seen to move the difference
by 0.042 and the confidence by 0.015; half of NEAR suffices for equal labels on validation (LOG.md)."""

Run = Callable[[Images], Floats]
Bools = npt.NDArray[np.bool_]
Close = Callable[[Floats], Bools]


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 natively; if not, that precision only costs time."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoPredictor(Predictor):
    """A compiled network, or a cascade or ensemble of them, on one CPU thread.

    Answers do not depend on the batch, bit for bit.
    """

    def __init__(
        self, card: Card, graphs: Graphs, precision: Precision = "float32", screen: Card | None = None
    ) -> None:
        """`graphs` are of the card's network, with its own screen if it has one; predictors may share
        them."""
        super().__init__(card, "cpu", f"OpenVINO {precision}, {on(1)}", screen)
        self._graphs, self._parts, self._classes = graphs, list[Run](), len(card.labels)
        self._network = self._assemble(card.network, "", precision, partial(_is_tie, self._classes))

    def warm_up(self) -> None:
        """Run every part; otherwise the first unsure image would wait for one."""
        for part in self._parts:
            part(np.zeros((1, 28, 28), np.uint8))

    def forward(self, images: Images) -> Floats:
        """One pass."""
        return self._network(images)

    def _assemble(
        self, network: Mapping[str, Any], start: str, precision: Precision, close: Close
    ) -> Run:
        """A function that runs `network`; in mixed precision, float32 settles what is `close`."""

        tie = partial(_is_tie, self._classes)

        def part(name: str, layout: Mapping[str, Any], close: Close = tie) -> Run:
            return self._assemble(layout, f"{start}{name}.", precision, close)

        if network["kind"] == "cascade":
            temperatures, threshold = network["temperatures"], network["threshold"]
            near = partial(_is_near, self._classes, temperatures[0], threshold)
            halves = part("first", network["first"], near), part("second", network["second"])
            return _cascade(self._classes, *halves, temperatures, threshold)
        if precision == "mixed":
            fast = self._assemble(network, start, "bfloat16", close)
            exact = self._assemble(network, start, "float32", close)
            if self.screen and start == backbone(self.card.network)[0]:
                return _settled(fast, exact, (close, partial(_is_doubtful, self._classes, self.screen)))
            return _settled(fast, exact, (close,))
        if network["kind"] == "ensemble":
            members = [part(f"members.{at}", each) for at, each in enumerate(network["members"])]
            return _ensemble(members, network["temperatures"])
        compiled = Compiled(self._graphs[start], network["kind"], HINTS[precision])
        self._parts.append(compiled)
        return compiled


def read_graphs(card: Card, weights: bytes, own: OwnScreen | None = None) -> Graphs:
    """The graphs of a checkpoint, with its own screen if it has one."""
    if not own:
        return graphs(card, load(weights))
    layout = screened_layout(card.network, own.card.network["hidden"])
    tensors = with_layers(card.network, load(weights), load(own.weights))
    return graphs(replace(card, network=layout), tensors)


def _settled(fast: Run, exact: Run, closes: Sequence[Close]) -> Run:
    """A function that runs `fast`, and `exact` on the images for which any of `closes` says that the
    answer of `fast` is close to another."""

    def run(images: Images) -> Floats:
        outputs = fast(images)
        undecided = np.logical_or.reduce([close(outputs) for close in closes])
        if undecided.any():
            outputs[undecided] = exact(images[undecided])
        return outputs

    return run


def _is_tie(classes: int, outputs: Floats) -> Bools:
    best = np.partition(outputs[:, :classes], -2, axis=1)
    tied: Bools = best[:, -1] - best[:, -2] < TIE
    return tied


def _is_near(classes: int, temperature: float, threshold: float, outputs: Floats) -> Bools:
    near: Bools = abs(softmax(outputs[:, :classes], temperature).max(axis=1) - threshold) < NEAR
    return near


def _is_doubtful(classes: int, screen: Card, outputs: Floats) -> Bools:
    """Whether the screen's verdict is close to its threshold."""
    likely = softmax(outputs[:, classes:], screen.temperature)[:, 0]
    doubtful: Bools = abs(likely - screen.uncertain_below) < NEAR
    return doubtful


def _cascade(
    classes: int, first: Run, second: Run, temperatures: tuple[float, float], threshold: float
) -> Run:
    """See networks.Cascade; the outputs of `first` may end with the logits of a screen."""

    def run(images: Images) -> Floats:
        outputs = first(images)
        logits = outputs[:, :classes]
        logits /= np.float32(temperatures[0])
        unsure = softmax(logits, 1.0).max(axis=1) < threshold
        if unsure.any():
            logits[unsure] = second(images[unsure]) / np.float32(temperatures[1])
        return outputs

    return run


def _ensemble(members: Sequence[Run], temperatures: Sequence[float]) -> Run:
    """See networks.Ensemble."""
    divisors = np.array(temperatures, np.float32).reshape(-1, 1, 1)

    def run(images: Images) -> Floats:
        scaled = np.stack([member(images) for member in members]) / divisors
        scaled -= np.logaddexp.reduce(scaled, axis=2, keepdims=True)
        logits: Floats = np.logaddexp.reduce(scaled, axis=0)
        return logits

    return run
