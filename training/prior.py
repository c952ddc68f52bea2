"""How often each class is met: a set of 47 classes counts a letter of both cases once, writers twice."""

from math import log

import torch
from torch import nn

from model.networks import Committee, head_of


def characters(label: str, labels: str) -> int:
    """How many characters `label` stands for: two where small letters are read as their capitals."""
    return 2 if label.lower() not in labels and label.isalpha() else 1


@torch.no_grad()
def favour(network: nn.Module, labels: str, temperature: float, way: float) -> None:
    """Move the priors of `network` from every class alike part of the `way` (0..1) to every character.

    What is added to calibrated logits is the logarithm of the ratio of priors (Saerens et al. 2002);
    it goes to the bias of the last layer, whose logits `temperature` will divide; of a committee, to
    that of every member.
    """
    if isinstance(network, Committee):
        for member, own in zip(network.members, network.temperatures, strict=True):
            favour(member, labels, own * temperature, way)
        return
    ratios = torch.tensor([log(characters(label, labels)) for label in labels])
    head_of(network).bias.add_(way * temperature * ratios)
