"""Networks run by OpenVINO: the fastest engine on a CPU, and one that needs no torch."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from safetensors.numpy import load

from .card import Card, Precision
from .graph import Tensors, graph
from .predictor import Floats, Images, Predictor, on, softmax
from .storage import read_checkpoint

HINTS = {"float32": "f32", "bfloat16": "bf16"}
_core = ov.Core()


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself; where it does not, that precision only costs."""
    return "BF16" in _core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoPredictor(Predictor):
    """A compiled network, or a cascade or committee of them, on `threads` CPU threads (0: one a core).

    Answers do not depend on the batch, bit for bit.
    """

    def __init__(
        self, card: Card, tensors: Tensors, precision: Precision = "float32", threads: int = 0
    ) -> None:
        super().__init__(card, "cpu", f"OpenVINO {precision}, {on(threads or os.cpu_count() or 1)}")
        options = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # else two processes sit on the same core
        }
        self._compiled: list[Callable[[Images], Floats]] = []
        self._network = self._assemble(card.network, tensors, options)

    @classmethod
    def load(
        cls,
        name: str,
        folder: Path | None = None,
        precision: Precision = "float32",
        threads: int = 0,
    ) -> "OpenVinoPredictor":
        """The checkpoint `name` in `folder`, or the published one. Raises BadCard."""
        card, weights = read_checkpoint(name, folder)
        return cls(card, load(weights), precision, threads)

    def warm_up(self) -> None:
        """Every part of a cascade, else the first image that is unsure would wait."""
        for part in self._compiled:
            part(np.zeros((1, 28, 28), np.uint8))

    def forward(self, images: Images) -> Floats:
        """One pass."""
        return self._network(images)

    def _assemble(
        self, network: Mapping[str, Any], tensors: Tensors, options: Mapping[str, Any]
    ) -> Callable[[Images], Floats]:
        def part(name: str, layout: Mapping[str, Any]) -> Callable[[Images], Floats]:
            return self._assemble(layout, _within(tensors, name), options)

        if network["kind"] == "cascade":
            first, second = (part(each, network[each]) for each in ("first", "second"))
            return _cascade(first, second, network["temperatures"], network["threshold"])
        if network["kind"] == "committee":
            members = [part(f"members.{at}", each) for at, each in enumerate(network["members"])]
            return _committee(members, network["temperatures"])
        compiled = _compile(graph(self.card, network, tensors), options)
        self._compiled.append(compiled)
        return compiled


def _compile(model: ov.Model, options: Mapping[str, Any]) -> Callable[[Images], Floats]:
    request = _core.compile_model(model, "CPU", dict(options)).create_infer_request()

    def run(images: Images) -> Floats:
        output = request.infer([np.ascontiguousarray(images)], share_inputs=True)
        result: Floats = output[0]
        return result

    return run


def _cascade(
    first: Callable[[Images], Floats],
    second: Callable[[Images], Floats],
    temperatures: tuple[float, float],
    threshold: float,
) -> Callable[[Images], Floats]:
    """See networks.Cascade."""

    def run(images: Images) -> Floats:
        logits = first(images) / np.float32(temperatures[0])
        unsure = softmax(logits, 1.0).max(axis=1) < threshold
        if unsure.any():
            logits[unsure] = second(images[unsure]) / np.float32(temperatures[1])
        return logits

    return run


def _committee(
    members: Sequence[Callable[[Images], Floats]], temperatures: Sequence[float]
) -> Callable[[Images], Floats]:
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
