"""A graph compiled by OpenVINO for one CPU thread, once for each batch size it meets.

A graph compiled for dynamic sizes treats every change of size as a new shape, which costs as much as two
images; with few sizes, their kernels and packed weights take little memory. Only the first pass waits:
while other sizes are compiled, passes use those that are ready.
"""

import contextlib
import logging
import os
import threading
from bisect import bisect
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from weakref import ref

import numpy as np

from .predictor import Floats, Images
from .runtime import ov

LARGEST = 64
"""Images per pass: more are no faster, and their activations are larger."""

FINE, COARSE, DENSE = (1, 2, 4, 8, 16, 32, LARGEST), (1, 4, 16, LARGEST), (16, LARGEST)
"""Sizes of passes: for small networks, for large ones, and for those with hidden dense layers."""

FEW = (1, 4)
"""Sizes for a network that is seldom asked, and then for few images: in float32, larger passes are
hardly faster."""

LARGE = 1 << 20
"""Weights beyond which a network is large: each size packs them all again, and such a network loses
little by one more pass."""

DENSE_KINDS = ("lenet",)
"""Layouts with hidden dense layers: in bfloat16 OpenVINO computes these differently for fewer than 16
images, and answers would depend on the batch."""

NICE = 15
"""Niceness of the thread that compiles missing sizes while others read."""

log = logging.getLogger(__name__)

core = ov.Core()


def _step_back() -> None:
    """Let the calling thread give way to others; only Linux can do this for a single thread."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


_compiler = ThreadPoolExecutor(1, "compiler", _step_back)


class Compiled:
    """Runs a graph of (n, 28, 28) uint8 -> (n, classes) float32, for one thread at a time."""

    def __init__(self, graph: ov.Model, kind: str, hint: str, sizes: Sequence[int] = ()) -> None:
        """`kind` is the kind of its layout, `hint` OpenVINO's name of the precision. The `sizes` of
        passes depend on the layout unless they are given."""
        self._graph, self._hint = graph, hint
        large = _weights(graph) > LARGE
        self._sizes = sizes or (DENSE if kind in DENSE_KINDS else COARSE if large else FINE)
        self._requests: dict[int, ov.InferRequest] = {}
        self._coming: dict[int, Future[None]] = {}

    def __call__(self, images: Images) -> Floats:
        """Logits (n, classes) float32 of (n, 28, 28) uint8, n > 0."""
        rows = [self._infer(images[at : at + size], size) for at, size in self._plan(len(images))]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def wait(self) -> None:
        """Wait until all sizes that were asked for are ready. Raises what compiling them raised."""
        for each in self._coming.values():
            each.result()

    def _plan(self, count: int) -> Sequence[tuple[int, int]]:
        """The passes for `count` images, of sizes that are ready; better ones that are missing are
        compiled in the background for later calls."""
        plan = passes(count, self._sizes)
        missing = {size for _, size in plan}.difference(self._requests)
        if not missing:
            return plan
        if not self._requests:
            self.prepare(self._sizes[0])
        for size in missing.difference(self._coming, self._requests):
            self._coming[size] = _compiler.submit(_prepare_aside, ref(self), size)
        return passes(count, sorted(self._requests))

    def _infer(self, images: Images, size: int) -> Floats:
        output = self._requests[size].infer([_filled(images, size)], share_inputs=True)
        result: Floats = output[0]
        return result[: len(images)]

    def prepare(self, size: int) -> None:
        """Compile the graph for passes of `size` images; takes some 30 ms."""
        graph = self._graph.clone()
        graph.reshape([size, 28, 28])
        options = {
            "INFERENCE_PRECISION_HINT": self._hint,
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # else two processes sit on the same core
        }
        self._requests[size] = core.compile_model(graph, "CPU", options).create_infer_request()


def _prepare_aside(wanted: "ref[Compiled]", size: int) -> None:
    """Compile a size, unless whoever asked for it is gone by now."""
    try:
        if compiled := wanted():
            compiled.prepare(size)
    except Exception:
        log.exception("passes of %d images could not be compiled: other sizes are used", size)
        raise


def passes(count: int, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """The passes for `count` images: the start of each, and its size, which is one of `sizes`
    (ascending).

    The last is padded if it has to be, or if padding adds fewer images than it saves passes.
    """
    found, at = list[tuple[int, int]](), 0
    while left := count - at:
        size = sizes[max(0, bisect(sizes, left) - 1)]
        if 2 * size in sizes and 2 * size - left < left.bit_count() - 1:
            size *= 2
        found.append((at, size))
        at = min(at + size, count)
    return found


def _filled(images: Images, size: int) -> Images:
    if len(images) == size:
        return images
    return np.concatenate([images, np.zeros((size - len(images), 28, 28), np.uint8)])


def _weights(graph: ov.Model) -> int:
    """The number of values in all constants of `graph`."""
    constants = (node for node in graph.get_ops() if node.get_type_name() == "Constant")
    return sum(node.data.size for node in constants)
