"""How often each class is met: equally often in balanced sets; in writing, twice as often if it is both
cases of a letter."""

from math import log

import torch
from torch import nn

from model.networks import Cascade, Ensemble, head_of


def characters(label: str, labels: str) -> int:
    """How many characters `label` stands for: two where small letters are read as their capitals."""
    return 2 if label.lower() not in labels and label.isalpha() else 1


@torch.no_grad()
def shift_priors(network: nn.Module, labels: str, temperature: float, way: float) -> None:
    """Move `network` part of the `way` (0..1) from equally likely classes to equally likely characters.

    What is added to the calibrated logits is the logarithm of the ratio of the priors (Saerens et al.
    2002). It goes into the bias of the last layer, whose logits `temperature` will divide; in a
    cascade or ensemble, into that of every part.
    """
    if isinstance(network, Cascade | Ensemble):
        members = (network.first, network.second) if isinstance(network, Cascade) else network.members
        for member, own in zip(members, network.temperatures, strict=True):
            shift_priors(member, labels, own * temperature, way)
        return
    ratios = torch.tensor([log(characters(label, labels)) for label in labels])
    head_of(network).bias.add_(way * temperature * ratios)
