"""The test set, used once: the answers of finalists and the best network, kept in the study's folder."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from model.card import Card, read_card
from model.engines.predictor import Floats, softmax
from model.storage import whole

from ...measures.answers import Answers
from ...measures.cost import Cost
from ...measures.evaluate import Evaluation, evaluate, open_network
from ...registry import find, read_json
from ...run import write_json
from ...sets.data import Set
from ..trials.outcomes import logits_of
from ..trials.trial import Outcome


@dataclass(frozen=True)
class Sitting:
    """A network's probabilities (n, classes) for the test images, when it was measured, its cost."""

    probabilities: Floats
    when: str
    cost: Mapping[str, Any]


Ask = Callable[[], tuple[Floats, Mapping[str, Any]]]


class Exam:
    """Measures networks that were not measured on these images before; reads others from `folder`/test.

    test.json says what every network is and when it was measured; its answers are beside it.
    """

    def __init__(self, folder: Path, test: Set, measured_on: str, tell: Callable[[str], None]) -> None:
        """`tell` is told what is measured now."""
        self._folder, self._test, self._measured_on = folder / "test", test, measured_on
        self._tell = tell
        self._path = self._folder / "test.json"
        self._images = hashlib.sha256(test.images.tobytes() + test.labels.tobytes()).hexdigest()[:16]

    def finalist(self, outcome: Outcome, trials: Path, labels: str) -> Answers:
        """The answers of the network of `outcome`, whose weights are in `trials`."""
        trial = outcome.trial

        def ask() -> tuple[Floats, Mapping[str, Any]]:
            return softmax(logits_of(outcome, trials, self._test.images), 1.0), {}

        sat = self._sit(trial.key, f"{trial.section}: {trial.name}, seed {trial.seed}", ask)
        return Answers(sat.probabilities, self._test.labels, labels)

    def network(self, name: str, runs: Path) -> tuple[Evaluation, str]:
        """The evaluation of `name` (see registry.find) as it is served, and when it was measured.

        Raises BadCard.
        """
        stem, folder = find(name, runs)
        card = read_card(folder / f"{stem}.json")

        def ask() -> tuple[Floats, Mapping[str, Any]]:
            found = evaluate(*open_network(name, runs), self._test, self._measured_on)
            return found.answers.probabilities, asdict(found.cost)

        sat = self._sit(_key(card), card.name, ask)
        answers = Answers(sat.probabilities, self._test.labels, card.labels)
        return Evaluation(card, answers, Cost(**sat.cost), self._measured_on), sat.when

    def _sit(self, key: str, name: str, ask: Ask) -> Sitting:
        """What is kept under `key`, or else what `ask` finds now, which is then kept."""
        entries = read_json(self._path) if self._path.exists() else {}
        answers, entry = self._folder / f"{key}.npy", entries.get(key)
        if entry is None or entry["images"] != self._images or not answers.exists():
            self._tell(f"reading {len(self._test):,} test images: {name}")
            probabilities, cost = ask()
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole(answers) as draft, draft.open("wb") as file:
                np.save(file, probabilities)
            when = datetime.now().astimezone().isoformat(timespec="seconds")
            entry = {"name": name, "images": self._images, "when": when, "cost": dict(cost)}
            write_json(self._path, entries | {key: entry})
        return Sitting(np.load(answers, allow_pickle=False), entry["when"], entry["cost"])


def _key(card: Card) -> str:
    """The key of what is served: its weights, its temperature, the precision it may run in and how."""
    served = f"{card.sha256} {card.temperature} {card.precision}"
    served += f" {card.ranges}" if card.ranges else ""
    return hashlib.sha256(served.encode()).hexdigest()[:16]
