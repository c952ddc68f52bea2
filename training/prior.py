"""Class priors: equal in balanced sets; in real writing, twice as high for a class that holds both cases
of a letter."""

from math import log

import torch
from torch import nn

from model.networks import Cascade, Ensemble, head_of


def characters(label: str, labels: str) -> int:
    """How many characters `label` stands for: two if the small letter is read as its capital."""
    return 2 if label.lower() not in labels and label.isalpha() else 1


@torch.no_grad()
def shift_priors(network: nn.Module, labels: str, temperature: float, way: float) -> None:
    """Move `network` the share `way` (0..1) from equally likely classes to equally likely characters.

    The logarithm of the ratio of the priors is added to the calibrated logits (Saerens et al. 2002): in
    the bias of the last layer, whose logits `temperature` will divide; in a cascade or ensemble, in the
    bias of every part.
    """
    if isinstance(network, Cascade | Ensemble):
        members = (network.first, network.second) if isinstance(network, Cascade) else network.members
        for member, own in zip(members, network.temperatures, strict=True):
            shift_priors(member, labels, own * temperature, way)
        return
    ratios = torch.tensor([log(characters(label, labels)) for label in labels])
    head_of(network).bias.add_(way * temperature * ratios)
