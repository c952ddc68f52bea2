"""What transfer compares: a network, how it begins, and how many images a letter it learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import torch

from model.networks import count_parameters

from ..shelf import load
from .chapter import FULL, Scale
from .networks import build, head_of
from .rounds import Found, accuracies
from .trial import Outcome, Trial

SCRATCH, FROZEN, TUNED = "from scratch", "frozen", "fine-tuned"

SHOWN, SHOWN_LARGE = 0.075, 0.04
"""Images shown to a small network and to a ResNet-18, in units of the scale's."""

AMOUNTS: Sequence[int] = (10, 30, 100, 0)
AMOUNTS_LARGE: Sequence[int] = (100, 0)
"""Images a letter that may be learned from; 0 is all."""

Rates = Mapping[str, Sequence[float]]
RATES: Rates = {SCRATCH: (2e-3, 6e-3, 1.8e-2), FROZEN: (3e-3, 1e-2, 3e-2), TUNED: (6e-4, 2e-3, 6e-3)}
RATES_LARGE: Rates = {SCRATCH: (1e-3, 3e-3), FROZEN: (3e-3, 1e-2), TUNED: (3e-4, 1e-3)}
"""Learning rates that are tried, from the least; the last are used where there is no time to try."""

BATCH, SIDE = 64, 32


@dataclass(frozen=True)
class Body:
    """A network and where its features come from: `start` as of a trial, "" where there is nothing."""

    name: str
    title: str
    layout: Mapping[str, Any]
    start: str
    images: int
    batch: int
    amounts: Sequence[int]
    rates: Rates

    @property
    def ways(self) -> Sequence[str]:
        """How it may begin."""
        return (SCRATCH, FROZEN, TUNED) if self.start else (SCRATCH,)


class Arm(NamedTuple):
    """A network (by its name) that begins in one way and learns from so many images a letter."""

    body: str
    way: str
    amount: int


@dataclass(frozen=True)
class Comparison:
    """`rates` are those that were best for each arm, with which all in `found` were trained."""

    bodies: Sequence[Body]
    rates: Mapping[Arm, float]
    found: Found[Arm]

    def shares(self, body: Body, way: str, amount: int) -> list[float]:
        """Accuracies of an arm, one a seed."""
        return accuracies(self.found[Arm(body.name, way, amount)])

    def best(self, body: Body, amount: int) -> str:
        """How it begins best."""
        return max(body.ways, key=lambda way: mean(self.shares(body, way, amount)))

    def best_start(self, body: Body, amount: int) -> str:
        """How it begins best with features of another task."""
        return max(body.ways[1:], key=lambda way: mean(self.shares(body, way, amount)))


def bodies(scale: Scale, classes: int, weights: Path | None, runs: Path) -> list[Body]:
    """The networks; less is compared where the scale is less than full. Raises BadCard."""
    found = []
    for name, title in (("balanced/first", "47-class network"), ("digits", "digits network")):
        layout = {**load(name, runs)[0].network, "classes": classes}
        found.append(body(name, title, layout, name, scale))
    large = {"kind": "resnet18", "classes": classes, "side": SIDE}
    start = str(weights.resolve()) if weights else ""
    return [*found, body("resnet18", "ResNet-18", large, start, scale)]


def body(name: str, title: str, layout: Mapping[str, Any], start: str, scale: Scale) -> Body:
    """A network with what the scale allows it."""
    large, full = layout["kind"] == "resnet18", scale.images >= FULL.images
    amounts, rates = (AMOUNTS_LARGE, RATES_LARGE) if large else (AMOUNTS, RATES)
    if not full:
        amounts = amounts[-1:] if large else (amounts[0], amounts[-1])
        rates = {way: those[-1:] for way, those in rates.items()}
    batch = BATCH if full else BATCH // 2
    shown = scale.images * (SHOWN_LARGE if large else SHOWN)
    images = batch * max(2, round(shown / batch))
    return Body(name, title, layout, start, images, batch, amounts, rates)


def trial(body: Body, arm: Arm, rate: float, seed: int) -> Trial:
    """One training of an arm."""
    amount = f"{arm.amount} images a letter" if arm.amount else "all images"
    return Trial(
        "transfer",
        f"{body.title} {arm.way}, {amount}, rate {rate:g}",
        body.layout,
        body.images,
        body.batch,
        rate,
        weight_decay=0.02,
        seed=seed,
        points=2,
        pool=arm.amount,
        start="" if arm.way == SCRATCH else body.start,
        frozen=arm.way == FROZEN,
    )


def trained(outcome: Outcome) -> int:
    """How many parameters were learned: of a frozen network those of its head."""
    if not outcome.trial.frozen:
        return outcome.parameters
    with torch.device("meta"):
        return count_parameters(head_of(build(outcome.trial.network)))
