"""The study: all sections at once, their trials in one pool of processes; no trial is done twice."""

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path

from ..registry import STUDY, read_json
from ..run import BadRun, write_json
from ..sets.data import Split, fingerprint
from .chapter import Chapter, Scale, Section
from .cohorts import cohorts, seconds
from .outcomes import read_outcomes
from .pool import Pool
from .trial import Outcome, Trial
from .watch import Watch

TRIALS = "trials"
"""Where a study's folder keeps its outcomes."""

PATIENCE_S = 0.5


def study(
    sections: Mapping[str, Section], split: Split, folder: Path, scale: Scale, processes: int = 0
) -> list[Chapter]:
    """The chapters of `sections`, whose trials are trained, or found done in `folder`.

    Raises BadRun if the folder is of other images or another scale, or something in it is damaged.
    """
    keep_settings(folder, split, scale)
    with Pool(split, folder / TRIALS, processes) as pool, Watch() as watch:
        return Driver(sections, folder / TRIALS, pool, watch).run()


def keep_settings(folder: Path, split: Split, scale: Scale) -> None:
    """Record what all outcomes in `folder` have in common. Raises BadRun if it was begun otherwise."""
    settings = {"images": fingerprint(split), "scale": asdict(scale)}
    path = folder / STUDY
    if path.exists() and read_json(path) != settings:
        raise BadRun(
            f"{folder} was begun on other images or another scale: remove it, or give another --runs"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, settings)


class Driver:
    """Gives the trials that sections ask for to the pool, the most expensive first, and sends the
    sections their outcomes."""

    def __init__(self, sections: Mapping[str, Section], folder: Path, pool: Pool, watch: Watch) -> None:
        self._sections, self._folder, self._pool, self._watch = sections, folder, pool, watch
        self._asked: dict[str, list[Trial]] = {}
        self._waiting: list[list[Trial]] = []
        self._running: dict[Future[list[Outcome]], list[Trial]] = {}
        self._chapters: dict[str, Chapter] = {}

    def run(self) -> list[Chapter]:
        """Run every section to its end; return their chapters, in the order of the sections."""
        for name in self._sections:
            self._advance(name, None)
        while self._running or self._waiting:
            self._fill()
            done, _ = wait(self._running, PATIENCE_S, FIRST_COMPLETED)
            self._watch.hear(self._pool.news())
            for future in done:
                self._end(future)
        return [self._chapters[name] for name in self._sections]

    def _advance(self, name: str, outcomes: list[Outcome] | None) -> None:
        """Send a section its outcomes, and repeat that while what it asks for next is done already."""
        try:
            while True:
                section = self._sections[name]
                trials = next(section) if outcomes is None else section.send(outcomes)
                outcomes = read_outcomes(trials, self._folder)
                if outcomes is None:
                    return self._ask(name, trials)
        except StopIteration as end:
            self._chapters[name] = end.value

    def _ask(self, name: str, trials: list[Trial]) -> None:
        self._asked[name] = trials
        for those in cohorts(trials):
            if read_outcomes(those, self._folder) is None:
                self._watch.expect(those)
                self._waiting.append(those)

    def _fill(self) -> None:
        """Start at most one cohort for each process: a more expensive one may still be asked for."""
        self._waiting.sort(key=seconds)
        while self._waiting and len(self._running) < self._pool.processes:
            those = self._waiting.pop()
            self._running[self._pool.train(those)] = those

    def _end(self, future: "Future[list[Outcome]]") -> None:
        """Note that a cohort has ended, and advance the sections that now have all they asked for."""
        try:
            self._watch.ended(future.result())
        except BrokenProcessPool as error:
            raise BadRun(
                "a process of the study ended before its time (out of memory?): the same "
                "command goes on from there; --processes 1 takes less memory"
            ) from error
        del self._running[future]
        for name, trials in list(self._asked.items()):
            outcomes = read_outcomes(trials, self._folder)
            if outcomes is not None:
                del self._asked[name]
                self._advance(name, outcomes)
