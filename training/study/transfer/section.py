"""Transfer: features of another task, frozen or fine-tuned, against the same network from scratch.

Every arm of a network is shown equally many images; its learning rate is tuned for each amount of
images to learn from.
"""

from pathlib import Path

from ...registry import RUNS
from ..rates import best, tune
from ..rounds import Outcomes, Scale, Section, ask
from .arms import MIDDLE, Arm, Arms, bodies, trial
from .chapter import tell


def transfer(
    scale: Scale, labels: str, weights: Path | None, runs: Path = RUNS, measured_on: str = ""
) -> Section:
    """The section; `weights` are torchvision's of ResNet-18 on ImageNet, None if they were not given.

    A network that learned the task itself, that of `labels`, or may know images of the test set
    (`measured_on`, in words) is left out. A seed of its own tunes the rates, so that no seed both
    chooses and is reported. Raises BadCard.
    """
    networks = {body.name: body for body in bodies(scale, labels, weights, runs, measured_on)}
    arms = [
        Arm(body.name, way, amount)
        for body in networks.values()
        for way in body.ways
        for amount in body.amounts
    ]
    tuned = yield from tune(
        {arm: networks[arm.body].rungs for arm in arms},
        lambda arm, rung: trial(networks[arm.body], arm, rung, scale.seeds),
    )
    rungs = {arm: best(tuned[arm]) if tuned[arm] else MIDDLE for arm in arms}
    found: Outcomes[Arm] = yield from ask(
        {
            arm: [trial(networks[arm.body], arm, rung, seed) for seed in range(scale.seeds)]
            for arm, rung in rungs.items()
        }
    )
    return tell(Arms(list(networks.values()), tuned, found, measured_on))
