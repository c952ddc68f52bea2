"""Transfer: features of another task, frozen or fine-tuned, against the same network from scratch.

Every arm of a network is shown as many images; its learning rate is tuned for each amount of them.
"""

from collections.abc import Sequence
from pathlib import Path

from ..shelf import RUNS
from .arms import Arm, Comparison, bodies, trial
from .chapter import Scale, Section
from .rounds import Found, ask
from .transfer_chapter import tell


def transfer(scale: Scale, labels: str, weights: Path | None, runs: Path = RUNS) -> Section:
    """The section; `weights` are torchvision's of ResNet-18 on ImageNet, None where nobody gave them.

    A seed of its own tunes the rates, so that none is both chosen by and told. Raises BadCard.
    """
    networks = {body.name: body for body in bodies(scale, len(labels), weights, runs)}
    arms = {
        Arm(body.name, way, amount): body.rates[way]
        for body in networks.values()
        for way in body.ways
        for amount in body.amounts
    }
    tried: Found[tuple[Arm, float]] = yield from ask(
        {
            (arm, rate): [trial(networks[arm.body], arm, rate, scale.seeds)]
            for arm, rates in arms.items()
            for rate in rates
            if len(rates) > 1
        }
    )
    best = {arm: best_rate(tried, arm, rates) for arm, rates in arms.items()}
    found: Found[Arm] = yield from ask(
        {
            arm: [trial(networks[arm.body], arm, rate, seed) for seed in range(scale.seeds)]
            for arm, rate in best.items()
        }
    )
    return tell(Comparison(list(networks.values()), best, found))


def best_rate(tried: Found[tuple[Arm, float]], arm: Arm, rates: Sequence[float]) -> float:
    """The rate of the highest accuracy; the only one needs no trial."""
    if len(rates) == 1:
        return rates[0]
    return max(rates, key=lambda rate: tried[arm, rate][0].accuracy)
