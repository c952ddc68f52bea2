"""Networks run by OpenVINO: the fastest engine on a CPU, and one that needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from ..card import Card, NetworkLayout, Precision, parts_of
from ..own_screens import OwnScreen, backbone, screened_layout, with_layers
from .compiled import FEW, Compiled, core
from .graph import Graphs, Parts, graphs, quantized_graphs
from .predictor import Floats, Images, Predictor, softmax, thread_count


class Margins(NamedTuple):
    """float32 decides where the two best logits differ by less than `tie`, or where a confidence is
    nearer than `near` to a threshold."""

    tie: float
    near: float


MARGINS: Mapping[Precision, Margins] = {"mixed": Margins(0.05, 0.01), "int8": Margins(0.1, 0.02)}
"""For `balanced`, bfloat16 was seen to move the difference by 0.042 and the confidence by 0.015. With
these margins no label of 13,400 validation images differs; with half of them 2 do by int8 (LOG.md)."""

CPU_FACTS = Path("/proc/cpuinfo")
"""Exists on Linux."""

Run = Callable[[Images], Floats]
Bools = npt.NDArray[np.bool_]
Close = Callable[[Floats], Bools]


@cache
def native_precisions() -> Sequence[Precision]:
    """The precisions in which this CPU computes natively, from the highest to the lowest. Elsewhere
    bfloat16 is emulated, which only costs time, and sums of 8-bit products may overflow."""
    bfloat16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    int8 = CPU_FACTS.exists() and "avx512_vnni" in CPU_FACTS.read_text()
    native = {"float32": True, "mixed": bfloat16, "bfloat16": bfloat16, "int8": int8}
    return [each for each in get_args(Precision) if native[each]]


class Arithmetic(NamedTuple):
    """How a network is computed: its graphs, OpenVINO's name of the precision, the sizes of passes (see
    Compiled)."""

    graphs: Parts
    hint: str
    sizes: Sequence[int] = ()


def arithmetic(graphs: Graphs, precision: Precision) -> Arithmetic:
    """How a network is computed in `precision`, its close decisions aside."""
    if precision == "int8":
        return Arithmetic(graphs.integers, "bf16" if "bfloat16" in native_precisions() else "f32")
    return Arithmetic(graphs.floats, "f32" if precision == "float32" else "bf16")


class OpenVinoPredictor(Predictor):
    """A compiled network, or a cascade or ensemble of them, on one CPU thread.

    Answers do not depend on the batch, bit for bit.
    """

    def __init__(
        self, card: Card, graphs: Graphs, precision: Precision = "float32", screen: Card | None = None
    ) -> None:
        """`graphs` are of the card's network, with its own screen if it has one; predictors may share
        them."""
        super().__init__(card, "cpu", f"OpenVINO {precision}, {thread_count(1)}", screen)
        self._parts, self._classes = list[Compiled](), len(card.labels)
        self._fast = arithmetic(graphs, precision)
        self._exact = Arithmetic(graphs.floats, "f32", FEW)
        if precision in MARGINS:
            self._margins = MARGINS[precision]
            self._network = self._settled_run(card.network, "", self._tie)
        else:
            self._network = self._run(card.network, "", self._fast)

    def warm_up(self) -> None:
        """Run every part; otherwise the first unsure image would wait for one."""
        for part in self._parts:
            part(np.zeros((1, 28, 28), np.uint8))

    def settle(self) -> None:
        """Wait for the sizes of passes that are being compiled."""
        for part in self._parts:
            part.wait()

    def forward(self, images: Images) -> Floats:
        """One pass."""
        return self._network(images)

    def _run(self, network: NetworkLayout, start: str, how: Arithmetic) -> Run:
        """A function that runs `network`, whose tensors' names begin with `start`."""
        parts = [self._run(layout, prefix, how) for prefix, layout in parts_of(network, start)]
        if network["kind"] == "cascade":
            return _cascade(network, self._classes, *parts)
        if network["kind"] == "ensemble":
            return _ensemble(network, parts)
        compiled = Compiled(how.graphs[start], network["kind"], how.hint, how.sizes)
        self._parts.append(compiled)
        return compiled

    def _settled_run(self, network: NetworkLayout, start: str, close: Close) -> Run:
        """The same, fast, but exact for the images whose answer is `close` to another."""
        if network["kind"] == "cascade":
            halves = zip(parts_of(network, start), (self._near(network), self._tie), strict=True)
            runs = [self._settled_run(layout, prefix, close) for (prefix, layout), close in halves]
            return _cascade(network, self._classes, *runs)
        closes = [close]
        if self.screen and start == backbone(self.card.network)[0]:
            closes.append(partial(_is_doubtful, self._classes, self.screen, self._margins.near))
        fast, exact = (self._run(network, start, how) for how in (self._fast, self._exact))
        return _settled(fast, exact, closes)

    def _tie(self, outputs: Floats) -> Bools:
        return _is_tie(self._classes, self._margins.tie, outputs)

    def _near(self, cascade: NetworkLayout) -> Close:
        temperature, threshold = cascade["temperatures"][0], cascade["threshold"]
        return partial(_is_near, self._classes, temperature, threshold, self._margins.near)


def read_graphs(
    card: Card, weights: bytes, own: OwnScreen | None = None, precision: Precision = "float32"
) -> Graphs:
    """The graphs of a checkpoint for a `precision`, with its own screen if it has one."""
    tensors = load(weights)
    if own:
        tensors = with_layers(card.network, tensors, load(own.weights))
        card = replace(card, network=screened_layout(card.network, own.card.network["hidden"]))
    floats = graphs(card, tensors)
    return Graphs(floats, quantized_graphs(card, tensors) if precision == "int8" else {})


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


def _is_tie(classes: int, margin: float, outputs: Floats) -> Bools:
    best = np.partition(outputs[:, :classes], -2, axis=1)
    tied: Bools = best[:, -1] - best[:, -2] < margin
    return tied


def _is_near(
    classes: int, temperature: float, threshold: float, margin: float, outputs: Floats
) -> Bools:
    near: Bools = abs(softmax(outputs[:, :classes], temperature).max(axis=1) - threshold) < margin
    return near


def _is_doubtful(classes: int, screen: Card, margin: float, outputs: Floats) -> Bools:
    """Whether the screen's verdict is close to its threshold."""
    likely = softmax(outputs[:, classes:], screen.temperature)[:, 0]
    doubtful: Bools = abs(likely - screen.uncertain_below) < margin
    return doubtful


def _cascade(network: NetworkLayout, classes: int, first: Run, second: Run) -> Run:
    """See networks.Cascade; the outputs of `first` may end with the logits of a screen."""
    temperatures, threshold = np.array(network["temperatures"], np.float32), network["threshold"]

    def run(images: Images) -> Floats:
        outputs = first(images)
        logits = outputs[:, :classes]
        logits /= temperatures[0]
        unsure = softmax(logits, 1.0).max(axis=1) < threshold
        if unsure.any():
            logits[unsure] = second(images[unsure]) / temperatures[1]
        return outputs

    return run


def _ensemble(network: NetworkLayout, members: Sequence[Run]) -> Run:
    """See networks.Ensemble."""
    temperatures = np.array(network["temperatures"], np.float32).reshape(-1, 1, 1)

    def run(images: Images) -> Floats:
        scaled = np.stack([member(images) for member in members]) / temperatures
        scaled -= np.logaddexp.reduce(scaled, axis=2, keepdims=True)
        logits: Floats = np.logaddexp.reduce(scaled, axis=0)
        return logits

    return run
