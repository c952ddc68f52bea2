"""The networks of a cohort behind one interface: one alone, or several stacked and run by one call.

Both take (networks, n, ...) inputs and give (networks, n, classes) logits; each network has its own
parameters, so that torch's optimizer keeps a group for each.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from model.networks import channels_last

Tensors = dict[str, torch.Tensor]


class Alone:
    """One network, as torch trains it normally."""

    def __init__(self, module: nn.Module) -> None:
        self.module = channels_last(module)

    @property
    def parameters(self) -> list[list[nn.Parameter]]:
        """The parameters of each network that are learned."""
        return [[each for each in self.module.parameters() if each.requires_grad]]

    def tensors(self) -> list[Tensors]:
        """The live weights and statistics of each network, as in its state dict."""
        return [self.module.state_dict()]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(1, n, classes), in the mode the network is in."""
        logits: torch.Tensor = self.module(images[0])
        return logits.unsqueeze(0)

    def differentiate(self, loss: torch.Tensor) -> None:
        """Set the gradients of `parameters`."""
        for parameter in self.parameters[0]:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]


class Stack:
    """Networks of one layout as one: their weights stacked, their layers run by torch.func.vmap."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.module = copy.deepcopy(modules[0]).to("meta")
        self._weights, self._buffers = stack_module_state(list(modules))
        self._learned = [each for each in self._weights.values() if each.requires_grad]
        self.parameters = [
            [nn.Parameter(each.detach()[at]) for each in self._learned] for at in range(len(modules))
        ]
        self._call = vmap(self._one, randomness="different")

    def tensors(self) -> list[Tensors]:
        """The live weights and statistics of each network, as in its state dict."""
        whole = {**self._weights, **self._buffers}
        return [
            {name: each.detach()[at] for name, each in whole.items()}
            for at in range(len(self.parameters))
        ]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(networks, n, classes), in the mode `module` is in."""
        logits: torch.Tensor = self._call(self._weights, self._buffers, images)
        return logits

    def differentiate(self, loss: torch.Tensor) -> None:
        """Set the gradients of `parameters`; `loss` is the sum over the networks."""
        # the fused optimizer ignores strides
        stacked = [each.contiguous() for each in torch.autograd.grad(loss, self._learned)]
        for at, parameters in enumerate(self.parameters):
            for parameter, gradient in zip(parameters, stacked, strict=True):
                parameter.grad = gradient[at]

    def _one(self, weights: Tensors, buffers: Tensors, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = functional_call(self.module, (weights, buffers), (images,))
        return logits


def stack(modules: Sequence[nn.Module]) -> Alone | Stack:
    """`modules` behind one interface."""
    return Alone(modules[0]) if len(modules) == 1 else Stack(modules)


@torch.no_grad()
def restore(networks: Alone | Stack, saved: Sequence[Mapping[str, torch.Tensor]]) -> None:
    """Copy into each network the tensors that `tensors` once returned."""
    for mine, theirs in zip(networks.tensors(), saved, strict=True):
        for name, tensor in mine.items():
            tensor.copy_(theirs[name])
