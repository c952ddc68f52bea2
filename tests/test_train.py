"""The training loop, its state and its folder: repeatable, resumable, early to stop, and it learns."""

import errno
import json
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.card import WEIGHTS, BadCard
from model.checkpoint import load_checkpoint
from model.networks import build
from model.storage import whole
from training.cli.train import follow
from training.distill import fold, soft_targets, teach
from training.history import read_run
from training.publish import finish
from training.recipe import Recipe
from training.registry import MADE_OF, METRICS, SETTINGS, find, load, settings_of
from training.run import BadRun, Run
from training.sets import sources
from training.sets.catalogue import DIGITS
from training.sets.data import PartialLabels, Set
from training.state import State, blend, make_optimizer
from training.train import Trainer

from small_trainings import drawn_digits, short

PERCEPTRON = {"kind": "lenet", "classes": 10, "convolutions": [], "hidden": [32], "dropout": 0.5}


def trained(recipe: Recipe, runs: Path) -> dict[str, torch.Tensor]:
    """The weights of a whole run."""
    return Trainer(recipe, drawn_digits()).train(Run(recipe, runs)).state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_learns_and_leaves_everything_behind(tmp_path: Path) -> None:
    recipe, split = short(), drawn_digits()
    run = Run(recipe, tmp_path)
    network = Trainer(recipe, split).train(run)
    card = finish(recipe, network, split, run.folder)
    run.end(card.parameters)
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert metrics["epochs"][-1]["validation_accuracy"] > 0.9
    assert metrics["epochs"][-1]["validation_loss"] < metrics["epochs"][0]["validation_loss"]
    assert metrics["parameters"] == card.parameters
    assert (
        json.loads((run.folder / "settings.json").read_text())["learning_rate"] == recipe.learning_rate
    )
    assert (run.folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    for part in ("training", "validation"):
        assert list((run.folder / "tensorboard" / part).glob("events.*"))
    assert load("small", tmp_path)[0].to_json() == card.to_json()


def test_the_same_seed_trains_the_same_network_and_another_does_not(tmp_path: Path) -> None:
    brief = short(epochs=1, draws=640)
    first, second = (trained(brief, tmp_path / name) for name in "ab")
    assert same(first, second)
    assert not same(first, trained(replace(brief, seed=1), tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd", "schedule": "plateau", "learning_rate": 0.01, "average": 0.0},
        {"optimizer": "adam", "schedule": "constant", "learning_rate": 1e-3, "patience": 2},
        {"network": PERCEPTRON},
    ],
    ids=["one-cycle", "plateau", "patience", "dropout"],
)
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    changes: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = short(epochs=2, draws=640, **changes)
    whole = trained(recipe, tmp_path / "whole")
    record = Run.record

    def fall(run: Run, epoch: object, state: State) -> None:
        record(run, epoch, state)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "record", fall)
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "parts")
    assert "the same command goes on from the last whole epoch" in capsys.readouterr().err
    monkeypatch.undo()
    torch.manual_seed(99)  # whatever else the process did meanwhile
    run = Run(recipe, tmp_path / "parts")
    assert same(Trainer(recipe, drawn_digits()).train(run).state_dict(), whole)
    assert [each.epoch for each in run.epochs] == [1, 2]


@pytest.mark.parametrize("lost", ["metrics.json", "checkpoint.pt"])
def test_an_epoch_that_is_not_recorded_whole_is_trained_again(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = short(epochs=2, draws=64)
    expected = trained(recipe, tmp_path / "whole")

    def fall(path: Path) -> AbstractContextManager[Path]:
        if path.name == lost and path.exists():  # the second epoch's
            raise KeyboardInterrupt
        return whole(path)

    monkeypatch.setattr("training.run.whole", fall)
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "parts")
    monkeypatch.undo()
    run = Run(recipe, tmp_path / "parts")
    assert same(Trainer(recipe, drawn_digits()).train(run).state_dict(), expected)
    assert [each.epoch for each in run.epochs] == [1, 2]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = trained(short(epochs=1), tmp_path)
    before = (tmp_path / "small-0" / "checkpoint.pt").stat().st_mtime_ns
    assert same(trained(short(epochs=1), tmp_path), first)
    assert (tmp_path / "small-0" / "checkpoint.pt").stat().st_mtime_ns == before


def test_two_processes_never_train_in_one_folder(tmp_path: Path) -> None:
    run = Run(short(), tmp_path)
    script = "import sys, training.run, pathlib; training.run.lock(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(run.folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "small-0 is another process's: wait until it ends" in done.stderr


def test_where_files_cannot_be_locked_runs_are_trained_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlockable(*_: int) -> None:
        raise OSError(errno.ENOSYS, "as on some clusters")

    monkeypatch.setattr("fcntl.lockf", unlockable)
    assert Run(short(), tmp_path).epochs == []


def test_a_folder_begun_with_other_settings_is_refused(tmp_path: Path) -> None:
    Run(short(), tmp_path)
    with pytest.raises(BadRun, match=r"small-0.*remove it"):
        Run(short(learning_rate=1.0), tmp_path)


def test_a_run_goes_on_with_the_images_and_networks_it_was_begun_with_only(tmp_path: Path) -> None:
    split, other = drawn_digits(), drawn_digits(seed=1)
    for name in ("first", "teacher"):
        recipe = short(name=name)
        finish(recipe, build(recipe.network), split, tmp_path / f"{name}-0")
    recipe = short(start="first", teachers=("teacher",))
    for _ in range(2):
        Run(recipe, tmp_path).keep_origin(split)
    for changed in (
        replace(split, train=other.train),
        replace(split, train=replace(split.train, labels=split.train.labels[::-1].copy())),
        replace(split, validation=other.validation),
        replace(split, scans=other.test),
        replace(split, partial_labels=PartialLabels(other.test.images, np.ones((100, 10), np.bool_))),
        replace(split, measured_on="other images"),
    ):
        with pytest.raises(BadRun, match=r"small-0 was begun on other images.*remove it"):
            Run(recipe, tmp_path).keep_origin(changed)
    finish(short(name="teacher"), build(recipe.network), split, tmp_path / "teacher-0")
    with pytest.raises(BadRun, match="other networks"):
        Run(recipe, tmp_path).keep_origin(split)


@pytest.mark.parametrize("helpers", [{"start": "first"}, {"teachers": ("first",)}])
def test_no_run_learns_from_a_network_that_may_know_its_test_images(
    helpers: dict[str, object], tmp_path: Path
) -> None:
    split = drawn_digits()
    own, official = (
        replace(split, measured_on=each.measured_on) for each in (sources.OWN_47, sources.OFFICIAL_47)
    )
    finish(short(name="first"), build(short().network), own, tmp_path / "first-0")
    recipe = short(epochs=1, draws=64, **helpers)
    with pytest.raises(BadRun, match=r"small would learn from first, .*EMNIST Balanced test"):
        follow(recipe, official, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["first-0"], "nothing is left behind"
    follow(recipe, own, tmp_path)


def test_what_was_made_of_other_networks_is_not_trained_over(tmp_path: Path) -> None:
    (tmp_path / "small-0").mkdir()
    (tmp_path / "small-0" / MADE_OF).write_text("{}")
    with pytest.raises(BadRun, match=r"small-0 holds a network made of others: remove it"):
        Run(short(), tmp_path)
    assert not (tmp_path / "small-0" / SETTINGS).exists()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    recipe = short(epochs=1)
    trained(recipe, tmp_path)
    folder = tmp_path / "small-0"
    (folder / METRICS).write_text('{"epochs": []}')
    with pytest.raises(BadRun, match=r"metrics\.json is damaged"):
        Trainer(recipe, drawn_digits()).train(Run(recipe, tmp_path))
    path = folder / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadRun, match=r"checkpoint\.pt is damaged"):
        Trainer(recipe, drawn_digits()).train(Run(recipe, tmp_path))
    (folder / SETTINGS).write_text("{")
    with pytest.raises(BadCard, match=r"settings\.json is damaged"):
        Run(recipe, tmp_path)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    recipe = short(learning_rate=1e9, optimizer="sgd", schedule="constant")
    with pytest.raises(BadRun, match=r"small-0: in epoch 1 the loss is no number .* learning_rate"):
        trained(recipe, tmp_path)
    assert not (tmp_path / "small-0" / METRICS).exists()


def test_what_a_teacher_said_is_asked_again_where_its_file_is_torn(tmp_path: Path) -> None:
    split, recipe = drawn_digits(), short(name="teacher")
    finish(recipe, build(recipe.network), split, tmp_path / "teacher-0")
    said = soft_targets(["teacher"], split.test.images, DIGITS, tmp_path)
    (file,) = (tmp_path / ".seen").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert torch.equal(soft_targets(["teacher"], split.test.images, DIGITS, tmp_path), said)
    assert torch.load(file, weights_only=True).shape == (100, 10)


def test_patience_ends_a_run_and_takes_the_best_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a rate of 0 nothing gets better after the first epoch."""
    recipe = short(epochs=20, patience=2, learning_rate=0.0, schedule="constant", average=0.0)
    epochs = read_run(follow(recipe, drawn_digits(), tmp_path)).epochs
    assert len(epochs) < 20
    losses = [each["validation_loss"] for each in epochs]
    assert len(losses) - 1 - losses.index(min(losses)) == 2
    said = f"{epochs[-3]['validation_accuracy']:.4f} in epoch {len(epochs) - 2}, which was kept"
    assert said in " ".join(capsys.readouterr().out.split())


def test_rare_classes_are_drawn_as_often_as_frequent_ones() -> None:
    split = drawn_digits()
    rare = [number for number, label in enumerate(split.train.labels) if label or number < 50]
    data = type(split)(split.train.take(rare), split.validation, split.test, "")
    trainer = Trainer(short(draws=20_000, batch=1000), data)
    drawn = torch.cat(
        [trainer.labels[rows] for rows in trainer._draws(torch.Generator().manual_seed(0))]
    )
    shares = torch.bincount(drawn) / len(drawn)
    assert float((shares - 0.1).abs().max()) < 0.01


def test_scans_are_the_share_of_a_batch_that_is_wanted_and_keep_their_labels() -> None:
    split = drawn_digits()
    scans = Set(np.full((3, 28, 28), 9, np.uint8), np.array([4, 4, 7], np.uint8))
    untrue = torch.eye(10)[torch.from_numpy(split.train.labels).long()].roll(1, dims=1)
    trainer = Trainer(short(scanned=0.25, distillation=1.0), replace(split, scans=scans), untrue)
    for rows in trainer._draws(torch.Generator().manual_seed(0)):
        assert (trainer.images[rows] == 9).all(dim=(1, 2)).tolist() == [False] * 48 + [True] * 16
        said = trainer._targets(rows).argmax(1)
        assert torch.equal(said[:48], (trainer.labels[rows[:48]] + 1) % 10)
        assert torch.equal(said[48:], trainer.labels[rows[48:]])
        assert set(said[48:].tolist()) == {4, 7}


def test_the_recipes_of_what_a_network_is_made_of_are_known(tmp_path: Path) -> None:
    recipe, split = short(), drawn_digits()
    Run(recipe, tmp_path)
    finish(recipe, build(recipe.network), split, tmp_path / "small-0")
    file = str(tmp_path / "small-0" / "small.safetensors")
    known = settings_of(["small", "digits", "balanced/first", file], tmp_path)
    assert list(known) == ["small", file]
    assert known["small"]["draws"] == recipe.draws


def test_part_of_the_way_lies_between_the_start_and_what_was_trained(tmp_path: Path) -> None:
    split, first = drawn_digits(), short(name="first")
    finish(first, build(first.network), split, tmp_path / "first-0")
    recipe = short(name="far", start="first", epochs=1)
    far = Trainer(recipe, split).train(Run(recipe, tmp_path)).state_dict()
    recipe = replace(recipe, name="near", way=0.25)
    near = Trainer(recipe, split).train(Run(recipe, tmp_path)).state_dict()
    start = load("first", tmp_path)[1].state_dict()
    for key, value in near.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, start[key].lerp(far[key], 0.25))
    assert not torch.equal(far["head.weight"], start["head.weight"])


def test_averaged_weights_lie_between_old_and_new() -> None:
    old, new = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        new.weight.fill_(3.0)
    new.num_batches_tracked.fill_(7)
    blend(old, new, 0.75)
    assert old.weight.tolist() == [1.5, 1.5]
    assert int(old.num_batches_tracked) == 7


def step(state: State) -> torch.Tensor:
    """A step of any kind; the weights of the head that it leads to."""
    state.step(state.network(torch.rand(8, 1, 28, 28)).square().sum())
    return state.network.head.weight.detach().clone()


def test_the_first_averages_forget_the_untrained_weights(tmp_path: Path) -> None:
    state = State(short(average=0.998), tmp_path)
    untrained = state.network.head.weight.detach().clone()
    trained = step(state)
    torch.testing.assert_close(state.averaged().head.weight, untrained.lerp(trained, 9 / 11))


def test_the_averages_of_the_best_epoch_are_the_result_though_training_went_on(tmp_path: Path) -> None:
    recipe = short(patience=2)
    state, resumed = State(recipe, tmp_path), State(recipe, tmp_path)
    step(state)
    best = state.averaged().head.weight.detach().clone()
    state.end_epoch(1.0)
    step(state)
    state.end_epoch(2.0)
    resumed.load_state_dict(state.state_dict())
    for each in (state, resumed):
        assert torch.equal(each.result().head.weight, best)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_the_optimizer_is_that_of_the_recipe(name: str) -> None:
    recipe = short(optimizer=name.lower(), learning_rate=0.5, weight_decay=0.25)
    made = make_optimizer(build(recipe.network), recipe)
    assert type(made).__name__ == name
    assert (made.defaults["lr"], made.defaults["weight_decay"]) == (0.5, 0.25)


def test_the_rate_rises_in_the_first_quarter_of_a_cycle_and_falls_to_its_end(tmp_path: Path) -> None:
    state, rates = State(short(epochs=2, draws=640, learning_rate=0.01), tmp_path), list[float]()
    for _ in range(20):  # of 64 images each
        rates.append(state.rate)
        step(state)
    assert (rates.index(max(rates)), max(rates)) == (4, pytest.approx(0.01))
    assert rates[-1] < 1e-6


def test_at_a_plateau_the_rate_is_halved_whether_or_not_the_run_was_interrupted(tmp_path: Path) -> None:
    recipe = short(optimizer="sgd", schedule="plateau", learning_rate=0.01)
    state, resumed = State(recipe, tmp_path), State(recipe, tmp_path)
    for _ in range(6):
        state.end_epoch(1.0)
    resumed.load_state_dict(state.state_dict())
    for each in (state, resumed):
        assert each.rate == 0.01
        each.end_epoch(1.0)
        assert each.rate == 0.005


def test_teachers_are_averaged_and_choose_among_the_labels_that_an_image_may_have(
    tmp_path: Path,
) -> None:
    split = drawn_digits()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        finish(short(name=name), build(short().network), split, tmp_path / f"{name}-0")
    one, two, both = (
        soft_targets(names, split.test.images, DIGITS, tmp_path).float()
        for names in (["one"], ["two"], ["one", "two"])
    )
    assert not torch.equal(one, two)
    torch.testing.assert_close(both, (one + two) / 2, atol=1e-3, rtol=0)
    possible = np.zeros((100, 10), np.bool_)
    possible[:, [3, 5]] = True
    partial = PartialLabels(split.test.images, possible)
    taught, targets = teach(["one"], replace(split, partial_labels=partial), DIGITS, tmp_path)
    likely = one * torch.from_numpy(possible)
    likely /= likely.sum(1, keepdim=True)
    torch.testing.assert_close(targets[600:].float(), likely, atol=5e-3, rtol=0)
    np.testing.assert_array_equal(taught.train.images[600:], split.test.images)
    assert set(taught.train.labels[600:].tolist()) <= {3, 5}


def test_a_student_learns_what_its_teacher_sees(tmp_path: Path) -> None:
    split = drawn_digits()
    recipe = short()
    finish(recipe, Trainer(recipe, split).train(Run(recipe, tmp_path)), split, tmp_path / "small-0")
    targets = soft_targets(["small"], split.train.images, DIGITS, tmp_path)
    assert targets.shape == (600, 10)
    torch.testing.assert_close(targets.float().sum(1), torch.ones(600), atol=5e-3, rtol=0)
    assert float((targets.argmax(1) == torch.from_numpy(split.train.labels)).float().mean()) > 0.9
    untrue = targets.roll(1, dims=1)  # a teacher that sees the next digit: the student follows
    student = short(name="student", teachers=("small",), distillation=1.0)
    network = Trainer(student, split, untrue).train(Run(student, tmp_path))
    card = finish(student, network, split, tmp_path / "student-0")
    assert card.name == "student"
    images = torch.from_numpy(split.test.images).unsqueeze(1).float() / 255
    read = network((images - card.mean) / card.std).argmax(1)
    assert float((read == (torch.from_numpy(split.test.labels) + 1) % 10).float().mean()) > 0.5


def test_a_teacher_that_tells_more_apart_is_folded() -> None:
    seen = torch.tensor([[0.2, 0.3, 0.5, 0.0], [0.0, 0.0, 0.1, 0.9]])  # A, a, B and a digit
    folded = fold(seen, "AaB7", "AB")
    torch.testing.assert_close(folded, torch.tensor([[0.5, 0.5], [0.0, 1.0]]))
    assert fold(seen, "AaB7", "AaB7") is seen


def test_a_run_may_start_from_another_of_other_labels(tmp_path: Path) -> None:
    split, recipe = drawn_digits(), short(epochs=1)
    finish(recipe, build(recipe.network), split, tmp_path / "small-0")
    _, parent = load_checkpoint("small", tmp_path / "small-0")
    child = short(name="child", start="small", network={**recipe.network, "classes": 12})
    state = State(child, tmp_path)
    for key, value in parent.features.state_dict().items():
        assert torch.equal(state.network.features.state_dict()[key], value)
    assert state.network.head.weight.shape == (12, 64)


def test_a_run_that_is_not_finished_is_not_taken_for_the_published_network(tmp_path: Path) -> None:
    assert find("digits", tmp_path) == ("digits", WEIGHTS)
    Run(short(name="digits"), tmp_path)
    for name in ("digits", "digits-0", "digits/first"):
        with pytest.raises(BadCard, match="digits-0 is not finished"):
            load(name, tmp_path)


def test_a_network_that_is_nowhere_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadCard, match="no network 'nothing'"):
        find("nothing", tmp_path)
