"""The teachers' probabilities for every training image: the ambiguity that a single label hides.

They are the targets of distillation (Hinton et al. 2015), averaged over teachers and over augmented
views, so that a teacher does not answer by heart. Images whose label is known only in part (a letter
without its case) join the training set with the teachers' probabilities as their targets.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from model.card import Card
from model.terminal import notes

from .augment import Augmentation, augment
from .registry import load
from .run import DAMAGED, write_tensors
from .sets.data import Array, Set, Split, join

VIEWS = 2
SEED = 0
"""The seed of these views, the same for students of any seed, so that teachers are asked only once."""

CHUNK = 1024


def teach(names: Sequence[str], split: Split, labels: str, runs: Path) -> tuple[Split, torch.Tensor]:
    """Add the images with partial labels to the training set of `split`; return it with targets
    (n, classes) float16.

    `labels` are those of the split, whatever else its teachers can tell apart.
    """
    targets = soft_targets(names, split.train.images, labels, runs)
    if not (partial := split.partial_labels):
        return split, targets
    guesses = soft_targets(names, partial.images, labels, runs)
    guesses *= torch.from_numpy(partial.candidates)
    guesses /= guesses.sum(1, keepdim=True).clamp(min=1e-4)
    guessed = Set(partial.images, guesses.argmax(1).numpy().astype(np.uint8))
    return replace(split, train=join([split.train, guessed])), torch.cat([targets, guesses])


def soft_targets(names: Sequence[str], images: Array, labels: str, runs: Path) -> torch.Tensor:
    """(n, classes) float16: mean calibrated probabilities of the networks called `names`."""
    seen = []
    for name in names:
        card, network = load(name, runs)
        seen.append(fold(_cached_targets(card, network, images, runs).float(), card.labels, labels))
    return (torch.stack(seen).sum(0) / len(names)).half()


def fold(seen: torch.Tensor, known: str, wanted: str) -> torch.Tensor:
    """Fold probabilities (n, len(known)) into those (n, len(wanted)) of a network with fewer classes.

    A class that is not wanted is added to the capital of its letter, or left out if that is not wanted.
    """
    if known == wanted:
        return seen
    heirs = [each if each in wanted else each.upper() for each in known]
    folded = seen @ torch.tensor([[heir == label for label in wanted] for heir in heirs]).float()
    return folded / folded.sum(1, keepdim=True).clamp(min=1e-4)


def _cached_targets(card: Card, network: torch.nn.Module, images: Array, runs: Path) -> torch.Tensor:
    """What `_mean_of_views` gives, (n, classes) float16, cached in `runs`/.seen for its next student."""
    key = hashlib.sha256(f"{card.to_json()} {SEED} {VIEWS}".encode())
    key.update(images.tobytes())
    path = runs / ".seen" / f"{key.hexdigest()[:16]}.pt"
    try:
        seen: torch.Tensor = torch.load(path, weights_only=True)
    except DAMAGED:  # or not there yet
        seen = _mean_of_views(card, network, images)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, seen)
    return seen


def _mean_of_views(card: Card, network: torch.nn.Module, images: Array) -> torch.Tensor:
    """The mean of its probabilities over VIEWS augmented views of each image."""
    rng = torch.Generator().manual_seed(SEED)
    total = torch.zeros(len(images), len(card.labels))
    for view in range(VIEWS):
        notes.print(f"asking {card.name} about {len(images):,} images: view {view + 1} of {VIEWS}")
        for start in range(0, len(images), CHUNK):
            chunk = torch.from_numpy(images[start : start + CHUNK]).unsqueeze(1).float() / 255
            varied = augment(chunk, Augmentation(), rng)
            total[start : start + CHUNK] += _probabilities(card, network, varied)
    return (total / VIEWS).half()


@torch.inference_mode()
def _probabilities(card: Card, network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits: torch.Tensor = network((images - card.mean) / card.std)
    return (logits.float() / card.temperature).softmax(1)
