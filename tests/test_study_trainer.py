"""The training of a trial: balanced draws, what is kept of it, interrupted or not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from training.run import BadRun
from training.study.rounds import training_seconds
from training.study.trials.learner import newborn
from training.study.trials.outcomes import logits_of, read_outcome, weights_of
from training.study.trials.state import Draws, pooled
from training.study.trials.trainer import train
from training.study.trials.trial import Outcome, Trial

from small_trainings import drawn_digits

PERCEPTRON = {"kind": "perceptron", "hidden": [16, 16], "classes": 10}
BATCH = {"kind": "convolutions", "widths": [4, 8], "kernel": 3, "classes": 10, "norm": "batch"}


def trial(**changes: object) -> Trial:
    """640 images, ten batches."""
    settings = {"network": PERCEPTRON, "images": 640, "batch": 64, "learning_rate": 0.01, "points": 2}
    return Trial("section", "name", **settings | changes)  # type: ignore[arg-type]


def trained(wanted: Trial, folder: Path) -> Outcome:
    return train(wanted, drawn_digits(), folder, lambda images: None)


def weights(each: Trial, folder: Path) -> dict[str, torch.Tensor]:
    return load_file(weights_of(each, folder))


def test_a_killed_training_goes_on_from_its_last_point_to_the_same_end(tmp_path: Path) -> None:
    wanted = trial(network=PERCEPTRON | {"dropout": 0.5, "normalized": True})
    whole = trained(wanted, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(wanted, drawn_digits(), tmp_path / "killed", kill_after(6 * 64))
    assert [path.suffix for path in (tmp_path / "killed").iterdir()] == [".checkpoint"]
    heard: list[int] = []
    resumed = train(wanted, drawn_digits(), tmp_path / "killed", heard.append)
    assert heard == [320, 320]
    assert resumed.points == whole.points
    ends = weights(wanted, tmp_path / "killed"), weights(wanted, tmp_path / "whole")
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])
    assert not list((tmp_path / "killed").glob("*checkpoint"))


def test_a_batch_of_more_images_than_were_asked_for_is_shown_whole(tmp_path: Path) -> None:
    wanted, heard = trial(images=32, batch=128), list[int]()
    outcome = train(wanted, drawn_digits(), tmp_path, heard.append)
    assert sum(heard) == wanted.shown == outcome.points[-1].images == 128
    assert training_seconds([replace(outcome, seconds=128.0)]) == 1e6


def kill_after(images: int) -> Callable[[int], None]:
    """As control-C would, once more than so many images were shown."""
    shown = 0

    def tell(more: int) -> None:
        nonlocal shown
        shown += more
        if shown > images:
            raise KeyboardInterrupt

    return tell


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(trial(), drawn_digits(), tmp_path, kill_after(400))
    (path,) = tmp_path.glob("*.checkpoint")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(BadRun, match="remove it to begin this trial anew"):
        trained(trial(), tmp_path)


def test_what_is_kept_is_the_outcome_and_its_network(tmp_path: Path) -> None:
    split, wanted = drawn_digits(), trial(network=BATCH)
    outcome = trained(wanted, tmp_path)
    assert [each.images for each in outcome.points] == [320, 640]
    assert read_outcome(wanted, tmp_path) == outcome
    logits = logits_of(outcome, tmp_path, split.validation.images)
    assert logits.dtype == np.float32
    right = logits.argmax(1) == split.validation.labels
    assert right.mean() == pytest.approx(outcome.accuracy, abs=1e-6)
    assert outcome.accuracy > 0.5
    weights_of(wanted, tmp_path).unlink()
    assert read_outcome(wanted, tmp_path) is None


def test_what_is_frozen_stays_but_for_the_head(tmp_path: Path) -> None:
    layout = {"kind": "convnet", "stages": [[4], [8]], "classes": 10}
    outcome = trained(trial(network=layout, frozen=True, weight_decay=0.5), tmp_path)
    before = newborn(outcome.trial, tmp_path).state_dict()
    for name, tensor in weights(outcome.trial, tmp_path).items():
        assert torch.equal(tensor, before[name]) == (not name.startswith("head."))


def test_draws_are_balanced_and_come_from_the_first_of_each_class() -> None:
    labels = np.repeat(np.arange(3, dtype=np.uint8), (10, 100, 1000))
    rows = Draws(labels, trial(pool=20)).draw(30_000)
    shares = np.bincount(labels[rows]) / 30_000
    assert np.abs(shares - 1 / 3).max() < 0.02
    assert [len(np.unique(rows[labels[rows] == each])) for each in range(3)] == [10, 20, 20]
    fewer = {row for those in pooled(labels, 5) for row in those.tolist()}
    assert fewer < set(rows.tolist())
    assert torch.equal(rows, Draws(labels, trial(pool=20, learning_rate=1.0)).draw(30_000))
    assert not torch.equal(rows, Draws(labels, trial(pool=20, seed=1)).draw(30_000))
