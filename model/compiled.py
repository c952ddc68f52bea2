"""A graph compiled by OpenVINO for one CPU thread, once for each size of pass it meets.

Compiled for any size it takes every change of size for a new shape, which costs as much as two images;
that there are few sizes keeps the kernels and packed weights of all of them small.
"""

from collections.abc import Iterator

import numpy as np

from .predictor import Floats, Images
from .runtime import ov

LARGEST = 64
"""Images of a pass: with more it is no faster, and its activations are larger."""

FINE, COARSE = 2, 4
"""From one size of pass to the next."""

LARGE = 4 << 20
"""Bytes of weights: what is packed for a size takes as much, and a pass more costs such a network
little."""

core = ov.Core()


class Compiled:
    """What runs a graph of (n, 28, 28) uint8 -> (n, classes) float32, by one thread at a time."""

    def __init__(self, graph: ov.Model, hint: str) -> None:
        """`hint` is the precision, by OpenVINO's name for it."""
        self._graph, self._hint = graph, hint
        self._step = COARSE if _weight(graph) > LARGE else FINE
        self._requests: dict[int, ov.InferRequest] = {}

    def __call__(self, images: Images) -> Floats:
        """n > 0."""
        rows = [
            self._infer(images[at : at + size], size) for at, size in passes(len(images), self._step)
        ]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def _infer(self, images: Images, size: int) -> Floats:
        request = self._requests.get(size) or self._prepare(size)
        result: Floats = request.infer([_filled(images, size)], share_inputs=True)[0]
        return result[: len(images)]

    def _prepare(self, size: int) -> ov.InferRequest:
        """For passes of so many images; takes some 30 ms."""
        graph = self._graph.clone()
        graph.reshape([size, 28, 28])
        options = {
            "INFERENCE_PRECISION_HINT": self._hint,
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # else two processes sit on the same core
        }
        request = core.compile_model(graph, "CPU", options).create_infer_request()
        self._requests[size] = request
        return request


def passes(count: int, step: int) -> Iterator[tuple[int, int]]:
    """Where in so many images a pass begins, and for how many it is: powers of `step`. If that is FINE,
    the last is filled up where it takes fewer images than it saves passes."""
    at = 0
    while left := count - at:
        size = 1
        while size < LARGEST and step * size <= left:
            size *= step
        if step == FINE and size < LARGEST and 2 * size - left < left.bit_count() - 1:
            size *= 2
        yield at, size
        at = min(at + size, count)


def _filled(images: Images, size: int) -> Images:
    if len(images) == size:
        return np.ascontiguousarray(images)
    return np.concatenate([images, np.zeros((size - len(images), 28, 28), np.uint8)])


def _weight(graph: ov.Model) -> int:
    """Bytes of its constants."""
    constants = (node for node in graph.get_ops() if node.get_type_name() == "Constant")
    return sum(node.data.nbytes for node in constants)
