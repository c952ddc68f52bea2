"""What transfer compares: a network, how it begins, and how many images of a class it learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import torch

from model.networks import count_parameters, head_of

from ...registry import load
from ...sets.sources import may_know
from ..rounds import FULL, Outcomes, Scale, accuracies
from ..trials.networks import build
from ..trials.trial import Outcome, Trial

SCRATCH, FROZEN, TUNED = "from scratch", "frozen", "fine-tuned"

SHOWN, SHOWN_LARGE = 0.06, 0.03
"""Images shown to a small network and to a ResNet-18, as shares of the scale's."""

AMOUNTS: Sequence[int] = (10, 30, 100, 0)
AMOUNTS_LARGE: Sequence[int] = (100, 0)
"""Images of each class that may be learned from; 0 is all."""

LOWEST = {SCRATCH: 6e-3, FROZEN: 3e-3, TUNED: 2e-4}
LOWEST_LARGE = {SCRATCH: 1e-3, FROZEN: 3e-3, TUNED: 3e-4}
STEP, RUNGS = 3, (0, 1, 2)
"""The factor from one learning rate to the next, and the rungs that are tried first."""
MIDDLE = 1
"""The rung that is used below full scale, where none is tried."""

BATCH = 64

STARTS = {"balanced/first": "47-class network", "digits": "digits network"}
"""Networks whose features are tried, and their titles."""


@dataclass(frozen=True)
class Body:
    """A network and where its features come from: `start` is as in Trial, "" if there are none."""

    name: str
    title: str
    layout: Mapping[str, Any]
    start: str
    images: int
    batch: int
    amounts: Sequence[int]
    lowest: Mapping[str, float]
    rungs: Sequence[int]

    def rate(self, way: str, rung: int) -> float:
        """The learning rate of a rung, to two figures."""
        return float(f"{self.lowest[way] * STEP**rung:.2g}")

    @property
    def ways(self) -> Sequence[str]:
        """The ways in which it may begin."""
        return (SCRATCH, FROZEN, TUNED) if self.start else (SCRATCH,)


class Arm(NamedTuple):
    """A network (by its name) that begins in one way and learns from `amount` images of each class."""

    body: str
    way: str
    amount: int


@dataclass(frozen=True)
class Arms:
    """All arms: `tuned` are accuracies by rung, of a seed that is used for nothing else.

    `found` are the outcomes of all other seeds, at the best rung of each arm. Nothing is tuned below
    full scale. `measured_on` are the test images, in words.
    """

    bodies: Sequence[Body]
    tuned: Mapping[Arm, dict[int, float]]
    found: Outcomes[Arm]
    measured_on: str

    def shares(self, body: Body, way: str, amount: int) -> list[float]:
        """The accuracies of an arm, one for each seed."""
        return accuracies(self.found[Arm(body.name, way, amount)])

    def best(self, body: Body, amount: int) -> str:
        """The best way to begin."""
        return max(body.ways, key=lambda way: mean(self.shares(body, way, amount)))

    def best_start(self, body: Body, amount: int) -> str:
        """The best way to begin with features of another task."""
        return max(body.ways[1:], key=lambda way: mean(self.shares(body, way, amount)))


def bodies(scale: Scale, labels: str, weights: Path | None, runs: Path, measured_on: str) -> list[Body]:
    """The networks of other tasks than that of `labels` that cannot know images of the test set
    `measured_on`. Raises BadCard."""
    found, classes = [], len(labels)
    for name, title in STARTS.items():
        card, _ = load(name, runs)
        if card.labels != labels and not may_know(card.measured_on, measured_on):
            found.append(body(name, title, {**card.network, "classes": classes}, name, scale))
    large = {"kind": "resnet18", "classes": classes}
    start = str(weights.resolve()) if weights else ""
    return [*found, body("resnet18", "ResNet-18", large, start, scale)]


def body(name: str, title: str, layout: Mapping[str, Any], start: str, scale: Scale) -> Body:
    """A network with the images, batches, amounts and rungs that the scale allows."""
    large, full = layout["kind"] == "resnet18", scale.images >= FULL.images
    amounts, lowest = (AMOUNTS_LARGE, LOWEST_LARGE) if large else (AMOUNTS, LOWEST)
    if not full:
        amounts = amounts[-1:] if large else (amounts[0], amounts[-1])
    batch = BATCH if full else BATCH // 2
    shown = scale.images * (SHOWN_LARGE if large else SHOWN)
    images = batch * max(2, round(shown / batch))
    return Body(name, title, layout, start, images, batch, amounts, lowest, RUNGS if full else ())


def trial(body: Body, arm: Arm, rung: int, seed: int) -> Trial:
    """One training of an arm."""
    rate = body.rate(arm.way, rung)
    amount = f"{arm.amount} images a class" if arm.amount else "all images"
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
    """How many parameters were learned: in a frozen network, those of its head."""
    if not outcome.trial.frozen:
        return outcome.parameters
    with torch.device("meta"):
        return count_parameters(head_of(build(outcome.trial.network)))
