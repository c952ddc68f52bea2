"""Past runs, read back from their folders: what `inkqueue runs` prints."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch

from model.card import NetworkLayout, read_card
from model.networks import build, count_parameters

from .registry import MADE_OF, METRICS, SETTINGS, STUDY
from .tables import TextTable, percent, short

COLUMNS = (
    "run",
    "seed",
    "state",
    "epochs",
    "result",
    "val. accuracy",
    "val. loss",
    "parameters",
    "time",
    "img/s",
    "when",
)


@dataclass(frozen=True)
class PastRun:
    """A run's folder, read: `settings` as they were saved, `epochs` as they were measured."""

    folder: Path
    settings: Mapping[str, Any]
    epochs: Sequence[Mapping[str, float]]
    finished: bool
    changed: float

    @property
    def result(self) -> Mapping[str, float]:
        """The epoch whose weights are the result: the best one on validation, or the last."""
        if self.settings["patience"]:
            return min(self.epochs, key=lambda each: each["validation_loss"])
        return self.epochs[-1]

    @property
    def seconds(self) -> float:
        """The time that training took, without validation."""
        return sum(map(self._seconds_of, self.epochs))

    def _seconds_of(self, epoch: Mapping[str, float]) -> float:
        return float(self.settings["draws"] / epoch["images_per_second"])

    @property
    def state(self) -> str:
        """'finished', or how far it has come; it is under way if an epoch ended lately."""
        if self.finished:
            return "finished"
        lately = time.time() - self.changed < 3 * self._seconds_of(self.epochs[-1])
        return f"{'under way' if lately else 'interrupted'} at epoch {len(self.epochs)}"


def read_run(folder: Path) -> PastRun:
    """The run in `folder`. Raises OSError, ValueError, KeyError or TypeError if it is not whole."""
    settings = json.loads((folder / SETTINGS).read_text())
    path = folder / METRICS
    metrics = json.loads(path.read_text()) if path.exists() else {"epochs": []}
    if not metrics["epochs"]:
        raise ValueError("no epoch has ended yet")
    weights = folder / f"{settings['name']}.safetensors"  # those of a screen lie elsewhere
    finished = "parameters" in metrics or weights.exists()
    return PastRun(folder, settings, metrics["epochs"], finished, path.stat().st_mtime)


def history(runs: Path) -> TextTable:
    """A row for each run and each network made of others, the latest last; notes on the unreadable."""
    found, notes = [], []
    for folder in sorted(path for path in runs.glob("[!.]*") if path.is_dir()):
        if (folder / STUDY).exists():
            continue  # a study: many runs in one folder
        try:
            found.append(_made(folder) if (folder / MADE_OF).exists() else _trained(read_run(folder)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            notes.append(f"{folder}: cannot be read: {_why(error)}")
    if not found and not notes:
        notes.append(f"{runs}: no run here yet; begin one with: inkqueue train NAME")
    return TextTable(f"Runs in {runs}", COLUMNS, [row for _, row in sorted(found)], notes)


def _why(error: Exception) -> str:
    return f"no {error} in it" if isinstance(error, KeyError) else str(error)


def _trained(run: PastRun) -> tuple[float, tuple[str, ...]]:
    settings, result = run.settings, run.result
    return run.changed, (
        settings["name"],
        str(settings["seed"]),
        run.state,
        f"{len(run.epochs)}/{settings['epochs']}",
        f"epoch {result['epoch']}",
        percent(result["validation_accuracy"]),
        f"{result['validation_loss']:.4f}",
        short(parameters(settings["network"])),
        f"{run.seconds / 60:.1f} min" if run.seconds >= 60 else f"{run.seconds:.1f} s",
        f"{median(each['images_per_second'] for each in run.epochs):,.0f}",
        _when(run.changed),
    )


def _made(folder: Path) -> tuple[float, tuple[str, ...]]:
    """The row of a network that was not trained but made of others, which has no epochs."""
    made_of = json.loads((folder / MADE_OF).read_text())
    name = folder.name.removesuffix("-0")
    card = read_card(folder / f"{name}.json")
    parts = made_of.get("members") or [made_of["first"], made_of["second"]]
    changed = (folder / MADE_OF).stat().st_mtime
    state = f"{card.network['kind']} of {', '.join(parts)}"
    return changed, (name, "", state, *[""] * 4, short(card.parameters), "", "", _when(changed))


def _when(changed: float) -> str:
    return datetime.fromtimestamp(changed).strftime("%Y-%m-%d %H:%M")


def parameters(network: NetworkLayout) -> int:
    """The number of parameters that the network learns, counted without allocating them."""
    with torch.device("meta"):
        return count_parameters(build(network))
