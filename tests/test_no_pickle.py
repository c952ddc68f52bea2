"""Nothing is written here that unpickles (what runs: test_doorbells.py); weights are their card's."""

import ast
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model.card import WEIGHTS, BadCard
from model.checkpoint import load_checkpoint

from services import running_services

ROOT = Path(__file__).parent.parent
MODULES = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "yaml"}
CALLS = {
    "eval": "runs what it is given",
    "exec": "runs what it is given",
    "torch.load": "unpickles, unless weights_only",
    "np.load": "unpickles, if allow_pickle",
    "np.lib.format.read_array": "unpickles, if allow_pickle",
    "numpy.load": "unpickles, if allow_pickle",
    "os.system": "runs what it is given",
    "torch.hub.load": "runs what it fetches",
    "torch.jit.load": "unpickles",
    "torch.package.PackageImporter": "unpickles",
}


def written() -> Iterator[tuple[str, ast.AST]]:
    for package in ("api", "worker", "model", "training"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def dangers(place: str, node: ast.AST) -> Iterator[str]:
    """What a node has to do with pickle, or runs of what it is given."""
    if isinstance(node, ast.Import):
        yield from (f"{place} import {each.name}" for each in node.names if each.name in MODULES)
    elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
        yield f"{place} import {node.module}"
    elif isinstance(node, ast.Call):
        called, options = ast.unparse(node.func), {each.arg: each.value for each in node.keywords}
        safe = ast.unparse(options.get("allow_pickle", ast.Constant(None))) == "False"
        safe |= ast.unparse(options.get("weights_only", ast.Constant(None))) == "True"
        if called in CALLS and not safe:
            yield f"{place} {called}"


def test_what_is_written_unpickles_nothing() -> None:
    found = [danger for place, node in written() for danger in dangers(place, node)]
    assert [each for each in found if not each.startswith("training/run.py")] == []
    # to name the error that torch.load raises for what is no state of a run
    assert [each.partition(" ")[2] for each in found] == ["import pickle"]


def test_only_training_loads_what_torch_saved() -> None:
    calls = [
        (place.split("/")[0], ast.unparse(node))
        for place, node in written()
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert {package for package, _ in calls} == {"training"}
    assert all("weights_only=True" in call for _, call in calls)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import yaml",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "eval(text)",
    ],
)
def test_what_would_is_seen(code: str) -> None:
    assert [danger for node in ast.walk(ast.parse(code)) for danger in dangers("here", node)]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of a shipped network's weights; its card lies beside it."""
    for kind in ("json", "safetensors"):
        shutil.copy(WEIGHTS / f"digits-nano.{kind}", tmp_path)
    return tmp_path / "digits-nano.safetensors"


def change(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


def forget_hash(weights: Path) -> None:
    card = weights.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": ""}))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (change, "sha256"),
        (forget_hash, "sha256"),
        (lambda path: path.write_bytes(pickle.dumps({"weight": 1.0})), "sha256"),
        (lambda path: path.unlink(), "No such file"),
    ],
)
def test_weights_that_are_not_those_of_their_card_are_not_loaded(
    weights: Path, spoil: Callable[[Path], object], why: str
) -> None:
    load_checkpoint("digits-nano", weights.parent)
    spoil(weights)
    with pytest.raises(BadCard, match=why):
        load_checkpoint("digits-nano", weights.parent)


def test_a_worker_ends_and_says_whose_weights_they_are_not(weights: Path, tmp_path: Path) -> None:
    change(weights)
    settings = {"INKQUEUE_WEIGHTS": str(weights.parent), "INKQUEUE_MODELS": "digits-nano"}
    with running_services(tmp_path / "stack", **settings) as services:
        ended = subprocess.run(
            [sys.executable, "-m", "worker"],
            env=os.environ | services.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode != 0
    said = ended.stderr.strip().splitlines()[-1]
    assert said.startswith("worker: ")
    assert "digits-nano.safetensors: the weights are not those" in said
