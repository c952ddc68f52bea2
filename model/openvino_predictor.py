"""Networks run by OpenVINO: the fastest engine on a CPU, and one that needs no torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from .card import Card, Precision
from .graph import Tensors, graph
from .predictor import Floats, Images, Predictor, on, softmax
from .runtime import ov
from .storage import read_checkpoint

HINTS = {"float32": "f32", "bfloat16": "bf16"}

LARGEST = 64
"""Images of a pass of a compiled network: with more it is no faster, and its activations are larger."""

TIE, NEAR = 0.05, 0.01
"""Logits that differ by less, a confidence that is nearer to a threshold: settled in float32, where
the precision is mixed. Of `balanced`, bfloat16 was seen to move them by 0.042 and 0.015; on validation
no label differs from half of NEAR on (LOG.md)."""

Run = Callable[[Images], Floats]
Close = Callable[[Floats], npt.NDArray[np.bool_]]

_core = ov.Core()


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself; where it does not, that precision only costs."""
    return "BF16" in _core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoPredictor(Predictor):
    """A compiled network, or a cascade or committee of them, on one CPU thread.

    Answers do not depend on the batch, bit for bit.
    """

    def __init__(self, card: Card, tensors: Tensors, precision: Precision = "float32") -> None:
        super().__init__(card, "cpu", f"OpenVINO {precision}, {on(1)}")
        self._compiled: list[Run] = []
        self._network = self._assemble(card.network, tensors, precision, _is_tie)

    @classmethod
    def load(
        cls, name: str, folder: Path | None = None, precision: Precision = "float32"
    ) -> "OpenVinoPredictor":
        """The checkpoint `name` in `folder`, or the published one. Raises BadCard."""
        card, weights = read_checkpoint(name, folder)
        return cls(card, load(weights), precision)

    def warm_up(self) -> None:
        """Every part, else the first image that is unsure would wait."""
        for part in self._compiled:
            part(np.zeros((1, 28, 28), np.uint8))

    def forward(self, images: Images) -> Floats:
        """One pass."""
        return self._network(images)

    def _assemble(
        self, network: Mapping[str, Any], tensors: Tensors, precision: Precision, close: Close
    ) -> Run:
        """What runs `network`; in mixed precision, float32 settles what is `close`."""

        def part(name: str, layout: Mapping[str, Any], close: Close = _is_tie) -> Run:
            return self._assemble(layout, _within(tensors, name), precision, close)

        if network["kind"] == "cascade":
            temperatures, threshold = network["temperatures"], network["threshold"]
            first = part("first", network["first"], partial(_is_near, temperatures[0], threshold))
            return _cascade(first, part("second", network["second"]), temperatures, threshold)
        if precision == "mixed":
            fast = self._assemble(network, tensors, "bfloat16", close)
            return _settled(fast, self._assemble(network, tensors, "float32", close), close)
        if network["kind"] == "committee":
            members = [part(f"members.{at}", each) for at, each in enumerate(network["members"])]
            return _committee(members, network["temperatures"])
        return self._compile(graph(self.card, network, tensors), HINTS[precision])

    def _compile(self, model: ov.Model, precision: str) -> Run:
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # else two processes sit on the same core
        }
        request = _core.compile_model(model, "CPU", options).create_infer_request()

        def run(images: Images) -> Floats:
            rows = [infer(each)[: len(each)] for each in portions(images)]
            return rows[0] if len(rows) == 1 else np.concatenate(rows)

        def infer(images: Images) -> Floats:
            output = request.infer([_padded(images)], share_inputs=True)
            result: Floats = output[0]
            return result

        self._compiled.append(run)
        return run


def portions(images: Images) -> Iterator[Images]:
    """`images` by passes: each of a power of two of them, or hardly less.

    For every size of pass OpenVINO prepares kernels and weights once more, in some ms and a MB.
    """
    at = 0
    while left := len(images) - at:
        size = min(LARGEST, 1 << (left.bit_length() - 1))
        size = 2 * size if size < LARGEST and 8 * left >= 14 * size else size
        yield images[at : at + size]
        at = min(at + size, len(images))


def _padded(images: Images) -> Images:
    """To a power of two."""
    size = 1 << (len(images) - 1).bit_length()
    if size == len(images):
        return np.ascontiguousarray(images)
    return np.concatenate([images, np.zeros((size - len(images), 28, 28), np.uint8)])


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


def _within(tensors: Tensors, part: str) -> Tensors:
    """The tensors of one part of a cascade or committee, by their own names."""
    start = f"{part}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
