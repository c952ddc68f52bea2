"""A study's driver and processes: what is asked for is trained once, and goes on after kill -9."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from training.run import BadRun
from training.study.chapter import Chapter
from training.study.driver import TRIALS, keep_settings, run_sections
from training.study.rounds import QUICK, Scale, Section
from training.study.trials.trial import Outcome, Trial

from small_trainings import drawn_digits
from waiting import until


def trial(**changes: object) -> Trial:
    network = {"kind": "perceptron", "hidden": [16], "classes": 10}
    settings = {"network": network, "images": 640, "batch": 64, "learning_rate": 0.01, "points": 2}
    return Trial("section", "name", **settings | changes)  # type: ignore[arg-type]


def two_rounds(heard: list[list[Outcome]]) -> Section:
    """Three trials, then the best of them longer."""
    first = yield [trial(learning_rate=rate) for rate in (0.001, 0.01, 0.03)]
    best = max(first, key=lambda each: each.accuracy).trial.learning_rate
    second = yield [trial(learning_rate=best, images=1280, seed=seed) for seed in (1, 2)]
    heard += [first, second]
    return Chapter("two rounds", "", [], [], [])


def the_same(heard: list[list[Outcome]]) -> Section:
    """One of those trials, under another name."""
    heard.append((yield [replace(trial(), name="other")]))
    return Chapter("the same", "", [], [], [])


def test_sections_are_sent_what_they_ask_for_and_nothing_is_trained_twice(tmp_path: Path) -> None:
    def run() -> tuple[list[Chapter], list[list[Outcome]], list[Outcome]]:
        heard: list[list[Outcome]] = []
        sections = {"two": two_rounds(heard), "one": the_same(heard)}
        chapters, outcomes = run_sections(sections, drawn_digits(), tmp_path, QUICK, 1)
        return chapters, sorted(heard, key=len), outcomes

    def files() -> list[tuple[str, int]]:
        return sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / TRIALS).iterdir())

    chapters, (same, second, first), outcomes = run()
    assert [each.title for each in chapters] == ["two rounds", "the same"]
    assert [each.trial.learning_rate for each in first] == [0.001, 0.01, 0.03]
    assert [each.points[-1].images for each in second] == [1280, 1280]
    assert same == [replace(first[1], trial=replace(first[1].trial, name="other"))]
    assert len(outcomes) == 5
    kept = files()
    assert len(kept) == 10
    assert run() == (chapters, [same, second, first], outcomes)
    assert files() == kept


def test_a_folder_of_other_images_or_another_scale_is_refused(tmp_path: Path) -> None:
    keep_settings(tmp_path, drawn_digits(), QUICK)
    keep_settings(tmp_path, drawn_digits(), QUICK)
    for split, scale in ((drawn_digits(1), QUICK), (drawn_digits(), Scale(385, 2))):
        with pytest.raises(BadRun, match="remove it, or give another --runs"):
            keep_settings(tmp_path, split, scale)


def test_two_processes_never_do_a_study_in_one_folder(tmp_path: Path) -> None:
    keep_settings(tmp_path, drawn_digits(), QUICK)
    script = "import sys, training.run, pathlib; training.run.lock(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True)
    assert "is another process's: wait until it ends" in done.stderr


PROGRAM = """
if __name__ == "__main__":  # the processes that it starts import nothing of this
    import signal
    import sys
    from pathlib import Path

    from training.sets.tasks import draw
    from training.study.driver import run_sections
    from training.study.rounds import QUICK
    from training.study.trials.trial import Trial

    def long():
        network = {"kind": "perceptron", "hidden": [16], "classes": 2}
        yield [Trial("section", "name", network, 64_000_000, 64, 0.01, points=100_000)]

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    run_sections({"long": long()}, draw("01", 0), Path(sys.argv[1]), QUICK, 1)
"""


def test_processes_end_with_the_study_and_leave_what_they_had(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    studies = {
        way: subprocess.Popen(
            [sys.executable, str(program), str(tmp_path / way.name)],
            env=environment,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        for way in (signal.SIGKILL, signal.SIGINT)
    }
    try:
        for way, process in studies.items():
            until(lambda runs=tmp_path / way.name: list(runs.rglob("*.checkpoint")), 120)
            children = psutil.Process(process.pid).children(recursive=True)
            assert children
            process.send_signal(way)
            assert process.wait(30) != 0
            until(lambda those=children: not any(each.is_running() for each in those), 120)
    finally:
        for process in studies.values():
            with suppress(ProcessLookupError):  # nobody is left
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
