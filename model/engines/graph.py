"""A network as OpenVINO graphs, built from its layout and weights alone: no torch, no file in between.

They compute what `networks` does, with batch normalization folded into convolutions and dense layers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..card import Card, NetworkLayout, parts_of
from .runtime import op, ov

Tensors = Mapping[str, npt.NDArray[Any]]
Parts = Mapping[str, ov.Model]
"""The parts of a cascade or ensemble, by the prefix of the names of their tensors; any other network is
one part, `""`."""


class Graphs(NamedTuple):
    """A network in floating point, and in 8-bit integers if that was asked for."""

    floats: Parts
    integers: Parts


Node = Any
"""A node of the graph; the generated operators are not typed."""

RANGE = ".range"
"""Ends the name of the tensor that holds the greatest input of a layer: `head.range`."""

TINY = 1e-12
"""The least value taken for the greatest weight of an output: its weights may all be zero."""

EPSILON = 1e-5
"""The `eps` of torch's batch normalization."""


def graphs(card: Card, tensors: Tensors) -> Parts:
    """The parts of the network of `card`, each (n, 28, 28) uint8 -> (n, classes) float32 logits."""
    return dict(_graphs(card, card.network, tensors, ""))


def quantized_graphs(card: Card, tensors: Tensors) -> Parts:
    """The same, with the layers whose range the card knows in 8-bit integers."""
    ranges = {name + RANGE: np.array(most, np.float32) for name, most in card.ranges.items()}
    return graphs(card, {**tensors, **ranges})


def _graphs(
    card: Card, network: NetworkLayout, tensors: Tensors, start: str
) -> Iterator[tuple[str, ov.Model]]:
    parts = parts_of(network, start)
    for prefix, part in parts:
        yield from _graphs(card, part, tensors, prefix)
    if not parts:
        own = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
        yield start, _graph(card, network, own)


def _graph(card: Card, network: NetworkLayout, tensors: Tensors) -> ov.Model:
    images = op.parameter([-1, 28, 28], np.uint8)
    pixels = op.divide(op.convert(images, "f32"), _constant(255))
    scaled = op.divide(op.subtract(pixels, _constant(card.mean)), _constant(card.std))
    rest = {key: value for key, value in network.items() if key not in ("kind", "classes", "dropout")}
    logits = _KINDS[network["kind"]](op.unsqueeze(scaled, op.constant(np.int64(1))), tensors, **rest)
    return ov.Model([logits], [images], card.name)


def _convnet(node: Node, tensors: Tensors, stages: Sequence[Sequence[int]]) -> Node:
    """See convolutions.ConvNet."""
    return _dense(_levels(node, tensors, stages)[-1], tensors, "head")


def _screened(node: Node, tensors: Tensors, stages: Sequence[Sequence[int]], hidden: int) -> Node:
    """See convolutions.ScreenedConvNet."""
    levels = _levels(node, tensors, stages)
    seen = op.relu(_dense(op.concat(levels, 1), tensors, "screen.0"))
    return op.concat([_dense(levels[-1], tensors, "head"), _dense(seen, tensors, "screen.2")], 1)


def _levels(node: Node, tensors: Tensors, stages: Sequence[Sequence[int]]) -> list[Node]:
    """See convolutions.ConvNet.levels; OpenVINO computes only those that are used."""
    layer, found = 0, []
    for number, stage in enumerate(stages):
        if number:
            node, layer = _pooled(node), layer + 1
            found.append(_flat(_averaged(node)))
        for _ in stage:
            node = op.relu(_convolution(node, tensors, f"features.{layer}", f"features.{layer + 1}", 1))
            layer += 3
    return [*found, _flat(_averaged(node))]


def _lenet(
    node: Node,
    tensors: Tensors,
    convolutions: Sequence[tuple[int, int, int]],
    hidden: Sequence[int],
    normalized: bool = False,
) -> Node:
    """See networks.LeNet."""
    layer = 0
    for _, _, padding in convolutions:
        node = _convolution(node, tensors, f"layers.{layer}", f"layers.{layer + 1}", padding)
        node, layer = _pooled(op.relu(node)), layer + 4
    node, layer = _flat(node), layer + 1
    for _ in hidden:
        norm = f"layers.{layer + 1}" if normalized else ""
        node = op.relu(_dense(node, tensors, f"layers.{layer}", norm))
        layer += 3 + normalized
    return _dense(node, tensors, f"layers.{layer}")


_KINDS: Mapping[str, Callable[..., Node]] = {"convnet": _convnet, "screened": _screened, "lenet": _lenet}


def _convolution(node: Node, tensors: Tensors, name: str, norm: str, padding: int) -> Node:
    node, weight, bias = _operands(node, tensors, name, norm)
    pads = [padding, padding]
    node = op.convolution(node, weight, [1, 1], pads, pads, [1, 1])
    return op.add(node, _constant(bias.reshape(1, -1, 1, 1)))


def _dense(node: Node, tensors: Tensors, name: str, norm: str = "") -> Node:
    node, weight, bias = _operands(node, tensors, name, norm)
    return op.add(op.matmul(node, weight, False, True), _constant(bias.reshape(1, -1)))


def _operands(node: Node, tensors: Tensors, name: str, norm: str) -> tuple[Node, Node, npt.NDArray[Any]]:
    """The input, weight and bias of a layer.

    If its range is known, input and weight are 8-bit integers: the input, which is never negative, has
    one scale, the weight one for each output (Jacob et al. 2018).
    """
    weight, bias = _folded(tensors, name, norm)
    if (most := tensors.get(name + RANGE)) is None:
        return node, _constant(weight), bias
    bounds = _constant(0), _constant(most)
    return op.fake_quantize(node, *bounds, *bounds, 256), _integers(weight), bias


def _integers(weight: npt.NDArray[Any]) -> Node:
    greatest = abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    scale = greatest.clip(TINY) / np.iinfo(np.int8).max
    integers = op.constant(np.rint(weight / scale).astype(np.int8))
    return op.multiply(op.convert(integers, "f32"), _constant(scale))


def _folded(tensors: Tensors, name: str, norm: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Weight and bias of a layer, the normalization that follows it (if any) folded in."""
    weight = tensors[f"{name}.weight"].astype(np.float64)
    bias = tensors.get(f"{name}.bias", np.zeros(len(weight))).astype(np.float64)
    if not norm:
        return weight, bias
    gain, shift, mean, variance = (
        tensors[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + EPSILON)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), (bias - mean) * scale + shift


def _pooled(node: Node) -> Node:
    return op.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)


def _averaged(node: Node) -> Node:
    """Average to 2x2, as torch's adaptive pooling does; OpenVINO's own takes a seventh of the pass."""
    output = node if isinstance(node, ov.Output) else node.output(0)
    side = output.get_partial_shape()[2].get_length()
    half = -(-side // 2)
    return op.avg_pool(node, [side - half] * 2, [0, 0], [0, 0], [half] * 2, True)


def _flat(node: Node) -> Node:
    return op.reshape(node, op.constant(np.array([0, -1], np.int64)), True)


def _constant(value: npt.ArrayLike) -> Node:
    return op.constant(np.asarray(value, np.float32))
