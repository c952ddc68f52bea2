"""The files of a trial: its outcome as JSON and its weights beside it, each written atomically."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save

from model.engines.predictor import Floats
from model.storage import whole

from ...run import BadRun, write_json
from ...sets.data import Array
from ...train import CHUNK
from .glyphs import scaled
from .networks import build
from .trial import Outcome, Point, Trial


def read_outcome(trial: Trial, folder: Path) -> Outcome | None:
    """The outcome of `trial`, if it is done. Raises BadRun if its file is damaged."""
    path = folder / f"{trial.key}.json"
    if not path.exists() or not weights_of(trial, folder).exists():
        return None
    try:
        kept = json.loads(path.read_text())
        points = [Point(**each) for each in kept["points"]]
        return Outcome(trial, points, kept["parameters"], kept["macs"], kept["seconds"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadRun(f"{path} is damaged ({error}): remove it to train its network anew") from error


def write_outcome(outcome: Outcome, tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Write the weights, then the outcome: where there is an outcome, there are weights."""
    with whole(weights_of(outcome.trial, folder)) as draft:
        draft.write_bytes(save({name: each.contiguous() for name, each in tensors.items()}))
    write_json(folder / f"{outcome.trial.key}.json", asdict(outcome))


def weights_of(trial: Trial, folder: Path) -> Path:
    """The file of a trial's weights."""
    return folder / f"{trial.key}.safetensors"


@torch.no_grad()
def logits_of(outcome: Outcome, folder: Path, images: Array) -> Floats:
    """float32 logits (n, classes) of `images`, by the network of `outcome` that is kept in `folder`."""
    layout = outcome.trial.network
    module = build(layout)
    module.load_state_dict(load_file(weights_of(outcome.trial, folder)))
    module.eval()
    chunks = [torch.from_numpy(images[at : at + CHUNK]) for at in range(0, len(images), CHUNK)]
    return np.concatenate([module(scaled(chunk, layout["classes"])).numpy() for chunk in chunks])
