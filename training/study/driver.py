"""The study: all sections at once, their trials in one pool of processes; no trial is done twice."""

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from pathlib import Path

from ..progress import resumable
from ..registry import STUDY
from ..run import BadRun, keep, lock
from ..sets.data import Split, fingerprint
from .chapter import Chapter
from .rounds import Scale, Section
from .trials.cost import seconds
from .trials.outcomes import read_outcome
from .trials.pool import Pool
from .trials.trial import Outcome, Trial
from .watch import Watch

TRIALS = "trials"
"""Where a study's folder keeps its outcomes."""

PATIENCE_S = 0.5


def run_sections(
    sections: Mapping[str, Section], split: Split, folder: Path, scale: Scale, processes: int
) -> tuple[list[Chapter], list[Outcome]]:
    """The chapters of `sections`, and the outcomes of the trials that they asked for, which are trained,
    or found done in `folder`.

    Raises BadRun if the folder is of other images or another scale, another process is at it, or
    something in it is damaged.
    """
    keep_settings(folder, split, scale)
    watch = Watch()
    with resumable("here"), Pool(split, folder / TRIALS, processes) as pool, watch.bar:
        return Driver(sections, folder / TRIALS, pool, watch).run()


def keep_settings(folder: Path, split: Split, scale: Scale) -> None:
    """Keep `folder` for this process, and record what all outcomes in it have in common.

    Raises BadRun if another process is at it, or if it was begun otherwise.
    """
    settings = {"images": fingerprint(split), "scale": asdict(scale)}
    folder.mkdir(parents=True, exist_ok=True)
    lock(folder)
    keep(folder / STUDY, settings, "on other images or another scale")


class Driver:
    """Gives the trials that sections ask for to the pool, the most expensive first, and sends the
    sections their outcomes."""

    def __init__(self, sections: Mapping[str, Section], folder: Path, pool: Pool, watch: Watch) -> None:
        self._sections, self._folder, self._pool, self._watch = sections, folder, pool, watch
        self._outcomes: dict[str, Outcome | None] = {}  # by key; None until a trial is done
        self._asked: dict[str, Sequence[Trial]] = {}
        self._waiting: list[Trial] = []
        self._running: set[Future[Outcome]] = set()
        self._chapters: dict[str, Chapter] = {}

    def run(self) -> tuple[list[Chapter], list[Outcome]]:
        """Run every section to its end; return their chapters, in the order of the sections, and all
        outcomes."""
        for name in self._sections:
            self._advance(name, None)
        while self._running or self._waiting:
            self._fill()
            done, _ = wait(self._running, PATIENCE_S, FIRST_COMPLETED)
            self._watch.hear(self._pool.news())
            for future in done:
                self._end(future)
        outcomes = [each for each in self._outcomes.values() if each]
        return [self._chapters[name] for name in self._sections], outcomes

    def _advance(self, name: str, outcomes: list[Outcome] | None) -> None:
        """Send a section its outcomes, and repeat that while what it asks for next is done already."""
        section = self._sections[name]
        try:
            while True:
                trials = next(section) if outcomes is None else section.send(outcomes)
                self._expect(trials)
                outcomes = self._found(trials)
                if outcomes is None:
                    self._asked[name] = trials
                    return
        except StopIteration as end:
            self._chapters[name] = end.value

    def _expect(self, trials: Sequence[Trial]) -> None:
        """Queue those of `trials` that are neither done nor queued."""
        for trial in trials:
            if trial.key not in self._outcomes:
                done = self._outcomes[trial.key] = read_outcome(trial, self._folder)
                if done is None:
                    self._watch.expect(trial)
                    self._waiting.append(trial)

    def _found(self, trials: Sequence[Trial]) -> list[Outcome] | None:
        """The outcomes of `trials`, or None unless all are done."""
        found = [(trial, self._outcomes[trial.key]) for trial in trials]
        done = [replace(outcome, trial=trial) for trial, outcome in found if outcome]
        return done if len(done) == len(found) else None

    def _fill(self) -> None:
        """Start at most one trial for each process: a more expensive one may still be asked for."""
        self._waiting.sort(key=seconds)
        while self._waiting and len(self._running) < self._pool.processes:
            self._running.add(self._pool.train(self._waiting.pop()))

    def _end(self, future: "Future[Outcome]") -> None:
        """Note that a trial has ended, and advance the sections that now have all they asked for."""
        try:
            outcome = future.result()
        except BrokenProcessPool as error:
            raise BadRun(
                "a process of the study ended before its time (out of memory?): the same "
                "command goes on from there; --processes 1 takes less memory"
            ) from error
        self._watch.ended(outcome)
        self._outcomes[outcome.trial.key] = outcome
        self._running.remove(future)
        for name, trials in list(self._asked.items()):
            outcomes = self._found(trials)
            if outcomes is not None:
                del self._asked[name]
                self._advance(name, outcomes)
