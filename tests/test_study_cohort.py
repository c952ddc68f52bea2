"""Cohorts: what is trained together ends where it would end alone, interrupted or not."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.study.cohort import train
from training.study.outcomes import weights_of
from training.study.trial import Outcome, Trial

from courses import drawn_digits

PERCEPTRON = {"kind": "perceptron", "hidden": [16, 16], "classes": 10}
BATCH = {"kind": "convolutions", "widths": [4, 8], "kernel": 3, "classes": 10, "norm": "batch"}
GROUP = BATCH | {"norm": "group"}


def trial(**changes: object) -> Trial:
    """640 images, ten batches."""
    settings = {"network": PERCEPTRON, "images": 640, "batch": 64, "learning_rate": 0.01, "points": 2}
    return Trial("section", "name", **settings | changes)  # type: ignore[arg-type]


def trained(trials: list[Trial], folder: Path) -> list[Outcome]:
    return train(trials, drawn_digits(), folder, lambda images: None)


def weights(each: Trial, folder: Path) -> dict[str, torch.Tensor]:
    return load_file(weights_of(each, folder))


@pytest.mark.parametrize("network", [PERCEPTRON, BATCH, GROUP, GROUP | {"norm": "none"}])
def test_trials_end_together_as_they_would_alone(network: dict[str, object], tmp_path: Path) -> None:
    trials = [
        trial(network=network, seed=seed, learning_rate=rate, weight_decay=decay)
        for seed, rate, decay in ((0, 0.01, 0.0), (1, 0.001, 0.5), (2, 0.003, 0.01))
    ]
    together = trained(trials, tmp_path / "together")
    for at in (2, 0, 1):
        (alone,) = trained([trials[at]], tmp_path / "alone")
        assert [each.images for each in alone.points] == [320, 640]
        for mine, theirs in zip(alone.points, together[at].points, strict=True):
            assert mine.loss == pytest.approx(theirs.loss, abs=2e-3)
            assert mine.validation_loss == pytest.approx(theirs.validation_loss, abs=2e-3)
        for name, tensor in weights(trials[at], tmp_path / "alone").items():
            torch.testing.assert_close(
                weights(trials[at], tmp_path / "together")[name], tensor, atol=2e-3, rtol=0.01
            )
    assert len({each.points[-1].validation_loss for each in together}) == 3
