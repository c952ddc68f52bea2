"""Transfer: told truly in made-up worlds, and run for real on drawn letters."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch

from training.sets.catalogue import BALANCED, DIGITS, LETTERS
from training.sets.data import Split
from training.sets.sources import DRAWN, MNIST, OFFICIAL_26, OFFICIAL_47, OWN_26, OWN_47, Source
from training.sets.tasks import draw
from training.study.chapter import Chapter
from training.study.rounds import FULL, QUICK, Scale, Section
from training.study.transfer.arms import FROZEN, SCRATCH, TUNED
from training.study.transfer.section import transfer
from training.study.trials.resnet import ResNet18
from training.study.trials.trainer import train
from training.study.trials.trial import Outcome, Trial

from worlds import likes, live

WEIGHTS = Path("resnet18-f37072fd.pth")
RATES = {SCRATCH: 1.8e-2, FROZEN: 9e-3, TUNED: 6e-4}


def way_of(one: Trial) -> str:
    return FROZEN if one.frozen else TUNED if one.start else SCRATCH


def rated(one: Trial) -> float:
    return 2 + 0.2 * likes(one.learning_rate, RATES[way_of(one)])


def helps_with_few(one: Trial) -> float:
    """Features help where images are few; more than those of digits do; frozen ones harm where not."""
    few = {10: 1.0, 30: 0.6, 100: 0.0, 0: 0.0}[one.pool] * (0.5 if one.start == "digits" else 1.0)
    gain = {SCRATCH: 0.0, FROZEN: few - 0.5, TUNED: few}
    return rated(one) + gain[way_of(one)]


def always_helps(one: Trial) -> float:
    return rated(one) + {SCRATCH: 0.0, FROZEN: 0.5, TUNED: 0.2}[way_of(one)]


def never_helps(one: Trial) -> float:
    return rated(one) - bool(one.start)


def told(odds: Callable[[Trial], float], weights: Path | None = None) -> tuple[str, Chapter]:
    _, chapter = live(transfer(FULL, LETTERS, weights), odds)
    return "\n".join(chapter.findings), chapter


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("scale", [FULL, QUICK, Scale(images=384, seeds=1)])
def test_every_trial_is_asked_once_and_arms_are_shown_as_much(
    scale: Scale, weights: Path | None
) -> None:
    requests, chapter = live(transfer(scale, LETTERS, weights), helps_with_few)
    trials = [one for request in requests for one in request]
    assert (
        len({one.key for one in trials}) == len({(one.name, one.seed) for one in trials}) == len(trials)
    )
    for _, those in groupby(trials, key=lambda one: one.network["kind"]):
        assert len({one.images for one in those}) == 1
    assert all(one.images % one.batch == 0 for one in trials)
    assert {one.network["classes"] for one in trials} == {26}
    for table in chapter.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    for plot in chapter.plots:
        assert {len(each.y) for each in plot.series} == {len(plot.ticks)}


def test_the_best_rate_of_each_arm_is_found_by_a_seed_of_its_own() -> None:
    *tuning, last = live(transfer(FULL, LETTERS, None), helps_with_few)[0]
    assert {one.seed for request in tuning for one in request} == {3}
    assert {one.seed for one in last} == {0, 1, 2}
    small = [one for one in last if one.network["kind"] == "convnet"]
    assert len(small) == 2 * 3 * 4 * 3
    assert all(one.learning_rate == RATES[way_of(one)] for one in small)


def test_rates_are_tried_beyond_an_end_and_what_is_still_at_one_is_told() -> None:
    requests, chapter = live(
        transfer(FULL, LETTERS, None), lambda one: likes(one.learning_rate, 1e9) / 10
    )
    arms = 2 * 3 * 4 + 2
    assert [len(each) for each in requests] == [3 * arms, arms, arms, arms, 3 * arms]
    rates = {way_of(one): one.learning_rate for one in requests[-1] if one.network["kind"] == "convnet"}
    assert rates == {SCRATCH: 1.5, FROZEN: 0.73, TUNED: 0.049}
    assert "Still best at an end of the rates that were tried: 47-class" in chapter.findings[-1]


def test_without_weights_that_is_said_and_only_scratch_is_run() -> None:
    requests, chapter = live(transfer(FULL, LETTERS, None), helps_with_few)
    large = [one for request in requests for one in request if one.network["kind"] == "resnet18"]
    assert large
    assert not any(one.start or one.frozen for one in large)
    assert "No ImageNet weights were given" in "\n".join(chapter.findings)
    assert "--weights resnet18-f37072fd.pth" in "\n".join(chapter.findings)


def test_with_weights_they_are_compared() -> None:
    requests, chapter = live(transfer(FULL, LETTERS, WEIGHTS), always_helps)
    starts = {one.start for request in requests for one in request if one.network["kind"] == "resnet18"}
    assert starts == {"", str(WEIGHTS.resolve())}
    findings = "\n".join(chapter.findings)
    assert "No ImageNet weights" not in findings
    assert "ResNet-18, frozen, against from scratch" in findings


def test_where_it_stops_to_matter() -> None:
    findings, _ = told(helps_with_few)
    assert (
        "47-class network: transfer surely gains 0.50 points or more up to 30 images a class; "
        "with 100 images a class no longer."
    ) in findings
    assert re.search(
        r"47-class network, with all images: fine-tuned is \S+ points ahead of frozen", findings
    )
    assert "ResNet-18 from scratch" in findings


def test_what_always_helps_and_what_never_does() -> None:
    findings, chapter = told(always_helps)
    assert re.search(r"digits network: transfer still gains \d\.\d\d points with all images", findings)
    assert "47-class network, frozen" in chapter.finalists
    findings, chapter = told(never_helps)
    assert findings.count("at no amount does transfer surely gain 0.50 points or more") == 2
    assert "47-class network, from scratch" in chapter.finalists


def test_a_gain_within_the_spread_over_seeds_is_not_said_to_matter() -> None:
    _, chapter = live(transfer(FULL, LETTERS, None), lambda one: rated(one) + 0.2 * bool(one.start), 0.5)
    findings = "\n".join(chapter.findings)
    unsure = re.findall(r"\+(\d+\.\d\d) with \w+ \(not clear\)", findings)
    assert max(map(float, unsure)) > 0.5
    assert "47-class network: at no amount does transfer surely gain 0.50 points or more" in findings


def test_gains_of_digits_are_held_against_those_of_letters() -> None:
    findings, _ = told(helps_with_few)
    share = re.search(r"With 10 images a class, features of digits gain .*: (\d+) % of that", findings)
    assert share
    assert 50 <= int(share[1]) <= 70  # half the log-odds, which is more than half the points


@pytest.mark.parametrize(
    ("measured_on", "tried", "left_out"),
    [
        (OWN_26, {"balanced/first", "digits"}, ""),
        (OFFICIAL_26, {"digits"}, "47-class network"),
        (OWN_47, set(), "47-class network"),
        (MNIST, set(), "digits network"),
        (OFFICIAL_47, set(), "digits network"),
    ],
)
def test_what_learned_this_task_or_may_have_learned_test_images_is_left_out(
    measured_on: Source, tried: set[str], left_out: str
) -> None:
    labels = measured_on.test.meaning.labels
    section = transfer(QUICK, labels, None, measured_on=measured_on.measured_on)
    requests, chapter = live(section, always_helps)
    assert {one.start for request in requests for one in request} == {"", *tried}
    told = [each for each in chapter.findings if "may have learned images of this test set" in each]
    assert len(told) == 2 - len(tried)
    assert any(each.startswith(left_out) for each in told) or not left_out


@pytest.mark.parametrize("measured_on", ["mine.csv, 300 images", DRAWN])
@pytest.mark.parametrize(
    ("labels", "tried"),
    [(DIGITS, {"balanced/first"}), (LETTERS, {"balanced/first", "digits"}), (BALANCED, {"digits"})],
)
def test_what_learned_this_task_is_left_out_whatever_it_is_measured_on(
    labels: str, tried: set[str], measured_on: str
) -> None:
    requests, _ = live(transfer(QUICK, labels, None, measured_on=measured_on), always_helps)
    assert {one.start for request in requests for one in request} == {"", *tried}


def test_of_a_persons_own_images_nobody_can_tell_who_learned_from_them() -> None:
    for measured_on, said in (("course, 260 images", True), (OWN_26.measured_on, False), (DRAWN, False)):
        _, chapter = live(transfer(QUICK, LETTERS, None, measured_on=measured_on), always_helps)
        told = "Whether 47-class network or digits network learned from any of these test images"
        assert any(each.startswith(told) for each in chapter.findings) is said


def test_finalists_are_the_best_with_all_images_by_every_seed() -> None:
    _, chapter = told(helps_with_few)
    assert [len(each) for each in chapter.finalists.values()] == [3, 3, 3]
    assert all(one.trial.pool == 0 for each in chapter.finalists.values() for one in each)


def test_a_frozen_network_trains_its_head_only() -> None:
    _, chapter = told(always_helps)
    rows = {(row[0], row[1]): row for row in chapter.tables[0].rows}
    assert rows[FROZEN, "all"][4] == f"{4 * 112 * 26 + 26:,}"
    assert rows[TUNED, "all"][4] == rows[SCRATCH, "all"][4] == "210,398"


def learned(section: Section, split: Split, folder: Path) -> tuple[Chapter, list[Outcome]]:
    """The chapter of a section whose trials are trained for real; the outcomes of its last request."""
    requests = next(section)
    while True:
        outcomes = [train(one, split, folder, lambda images: None) for one in requests]
        try:
            requests = section.send(outcomes)
        except StopIteration as end:
            return end.value, outcomes


def test_a_small_one_is_trained(tmp_path: Path) -> None:
    """With weights of our own making in the place of ImageNet's."""
    torch.save(ResNet18(1000).state_dict(), tmp_path / "weights.pth")
    section = transfer(Scale(images=384, seeds=1), LETTERS, tmp_path / "weights.pth")
    split = draw(LETTERS, 0)
    split = replace(split, validation=split.validation.take(np.arange(78)))
    chapter, outcomes = learned(section, split, tmp_path / "study" / "trials")
    assert len(chapter.finalists) == 3
    of_letters = [one for one in outcomes if one.trial.network["kind"] == "convnet"]
    tuned = [one.accuracy for one in of_letters if one.trial.start == "balanced/first"]
    scratch = [one.accuracy for one in of_letters if not one.trial.start]
    assert max(tuned) > max(scratch)
