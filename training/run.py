"""A run's folder: settings, every epoch's figures, a checkpoint to resume from, the final network."""

import errno
import fcntl
import io
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from model.storage import whole

from .curves import draw_curves, write_scalars
from .recipe import Recipe
from .registry import MADE_OF, METRICS, SETTINGS, read_json, whole_card
from .sets.data import Split, fingerprint
from .sets.sources import may_know
from .state import State

ORIGIN = "origin.json"
"""In a run's folder: fingerprints of its images, and of the networks it starts from or learns from."""

DAMAGED = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    pickle.UnpicklingError,
)
"""The errors that loading a state raises if the file is incomplete or holds something else."""


class BadRun(ValueError):
    """A run's folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch; losses in nats, accuracies as shares."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float


def require_unseen(recipe: Recipe, split: Split, runs: Path) -> None:
    """Raise BadRun if a network that `recipe` learns from may know images of the test set of `split`,
    BadCard if one is missing."""
    for name in recipe.networks:
        card = whole_card(name, runs)
        if may_know(card.measured_on, split.measured_on):
            raise BadRun(
                f"{recipe.name} would learn from {name}, which may have learned images of "
                f"{split.measured_on}: it was trained with another test set held out "
                f"({card.measured_on or 'not known'}). Choose a recipe without start and teachers"
            )


class Run:
    """The run of `recipe` in `runs`/NAME-SEED. Raises BadRun if something else was begun there, or if
    another process is at it."""

    def __init__(self, recipe: Recipe, runs: Path) -> None:
        self.recipe = recipe
        self.folder = runs / f"{recipe.name}-{recipe.seed}"
        if (self.folder / MADE_OF).exists():
            raise BadRun(
                f"{self.folder} holds a network made of others: remove it, or give another --runs"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        lock(self.folder)
        self.epochs: list[Epoch] = []
        keep(self.folder / SETTINGS, asdict(recipe), "with other settings")

    def keep_origin(self, split: Split) -> None:
        """Record what the run learns from.

        Raises BadRun if it was begun on other images or with the help of other networks; BadCard if a
        network is missing.
        """
        cards = {name: whole_card(name, self.folder.parent) for name in self.recipe.networks}
        origin = {
            "images": fingerprint(split),
            "measured_on": split.measured_on,
            "networks": {name: card.sha256 for name, card in cards.items()},
        }
        keep(self.folder / ORIGIN, origin, "on other images, or with the help of other networks")

    def resume(self, state: State) -> None:
        """Restore `state` to the end of the last recorded epoch, if any. Raises BadRun."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        try:
            state.load_state_dict(torch.load(path, weights_only=True))
            path = self.folder / METRICS
            epochs = json.loads(path.read_text())["epochs"]
            self.epochs = [Epoch(**epochs[at]) for at in range(state.epoch)]
        except DAMAGED as error:
            raise BadRun(f"{path} is damaged ({error}): remove {self.folder} to begin anew") from error

    def record(self, epoch: Epoch, state: State) -> None:
        """Record an epoch: figures and curves for people, a checkpoint to resume from."""
        self.epochs.append(epoch)
        self.write_metrics({})
        write_tensors(self.folder / "checkpoint.pt", state.state_dict())
        draw_curves(self.epochs, self.recipe.name, self.folder / "curves.png")
        write_scalars({epoch.epoch: epoch}, self.folder / "tensorboard")

    def end(self, parameters: int) -> None:
        """Record that the run is finished: how long its epochs took, and how large the network is."""
        seconds = round(sum(each.seconds for each in self.epochs))
        self.write_metrics({"seconds": seconds, "parameters": parameters})

    def write_metrics(self, more: Mapping[str, object]) -> None:
        """Write metrics.json: every epoch, and `more`, which is known at the end."""
        epochs = [asdict(each) for each in self.epochs]
        write_json(self.folder / METRICS, {"name": self.recipe.name, **more, "epochs": epochs})


def lock(folder: Path) -> None:
    """Keep `folder` for this process until it ends, or closes the file `lock` once more (POSIX), if its
    file system knows locks. Raises BadRun if another process has it."""
    file = os.open(folder / "lock", os.O_CREAT | os.O_WRONLY, 0o666)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise BadRun(
            f"{folder} is another process's: wait until it ends, or give another --runs"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def keep(path: Path, content: object, otherwise: str) -> None:
    """Record as JSON what all in the folder of `path` have in common.

    Raises BadRun if something else is recorded there: the folder was begun `otherwise`.
    """
    content = json.loads(json.dumps(content))  # tuples become lists
    if path.exists() and read_json(path) != content:
        raise BadRun(f"{path.parent} was begun {otherwise}: remove it, or give another --runs")
    write_json(path, content)


def write_tensors(path: Path, content: object) -> None:
    """Write `content` as torch saves it, atomically. Raises OSError, which torch itself would not."""
    packed = io.BytesIO()
    torch.save(content, packed)
    with whole(path) as draft:
        draft.write_bytes(packed.getbuffer())


def write_json(path: Path, content: object) -> None:
    """Write `content` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write `content` atomically."""
    with whole(path) as draft:
        draft.write_text(content)
