"""Transfer: features of another task, frozen or fine-tuned, against the same network from scratch.

Every arm of a network is shown as many images; its learning rate is tuned for each amount it learns from.
"""

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
    arms = [
        Arm(body.name, way, amount)
        for body in networks.values()
        for way in body.ways
        for amount in body.amounts
    ]
    rates = {arm: networks[arm.body].rates[arm.way] for arm in arms}
    tuned: Found[tuple[Arm, float]] = yield from ask(
        {
            (arm, rate): [trial(networks[arm.body], arm, rate, scale.seeds)]
            for arm, tried in rates.items()
            for rate in tried
            if len(tried) > 1
        }
    )
    best = {
        arm: max(tried, key=lambda rate, arm=arm: tuned[arm, rate][0].accuracy)
        if len(tried) > 1
        else tried[0]
        for arm, tried in rates.items()
    }
    found: Found[Arm] = yield from ask(
        {
            arm: [trial(networks[arm.body], arm, best[arm], seed) for seed in range(scale.seeds)]
            for arm in arms
        }
    )
    return tell(Comparison(list(networks.values()), best, found))
