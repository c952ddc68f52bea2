"""How a study was made, for its last chapter: settings, seeds, times, versions, commands."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from model.machine import processor, usable_cores

from ...sets.tasks import TASKS
from ...tables import short
from ..rounds import Scale
from ..trials.trial import Outcome

PACKAGES = ("torch", "numpy", "matplotlib", "openvino")


def making(
    task: str, scale: Scale, outcomes: Sequence[Outcome], curves: Path, measured: str
) -> Mapping[str, str]:
    """The rows of a table; `measured` is when the best network was measured."""
    trials, networks = len(outcomes), len({each.trial.name for each in outcomes})
    shown = sum(each.points[-1].images for each in outcomes)
    return {
        "command": f"inkqueue study {task}; after an interruption, the same command goes on",
        "scale": f"{scale.images:,} images, of which a comparison shows a share; {scale.seeds} seeds",
        "trials": f"{trials:,} of {networks:,} settings, {short(shown)} images shown in all",
        "seeds": ", ".join(map(str, sorted({each.trial.seed for each in outcomes}))) or "none",
        "processor time": _times(outcomes),
        "best network measured": measured,
        "machine": f"{usable_cores()} cores ({processor()}), {platform.system()}",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{each} {version(each)}" for each in PACKAGES)]
        ),
        "curves of every trial": f"tensorboard --logdir {curves}",
        "one character": f"inkqueue study {task} --letter {TASKS[task].labels[-1]}",
    }


def _times(outcomes: Sequence[Outcome]) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for each in outcomes:
        seconds[each.trial.section] += each.seconds
    parts = [f"{section} {seconds[section]:,.0f} s" for section in sorted(seconds)]
    return f"{sum(seconds.values()):,.0f} s: {', '.join(parts)}" if parts else "none"
