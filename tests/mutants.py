"""`make mutants`: do the tests see bugs? Each seeded bug is planted in a copy, where a test must fail.

Prints a row for each: what is broken, where, the test that saw it, and seconds. Fails if one survives.
"""

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.mutations import MUTATIONS
from chaos.mutations.mutation import Mutation

ROOT = Path(__file__).parent.parent
PARTS = (
    "api",
    "worker",
    "model",
    "training",
    "tests",
    "pyproject.toml",
    "docker-compose.yml",
    "monitoring",
)
LONGEST_S = 300
"""Seconds after which a test hangs; then it counts as having seen the bug."""

PASSED, FAILED = 0, 1
"""The exit codes of pytest; any other means that nothing was tested."""


@dataclass(frozen=True)
class Verdict:
    """What the tests said of one mutant: the first that failed ('' for none), and how long it took."""

    mutation: Mutation
    caught_by: str
    seconds: float


class Hollow(RuntimeError):
    """The tests did not run, or fail without any bug, so that nothing is known."""


@contextmanager
def copies(number: int) -> Iterator["queue.Queue[Path]"]:
    """Copies of this tree, each to be used by one thread at a time."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        free: queue.Queue[Path] = queue.Queue()
        for each in range(number):
            copy = Path(folder) / str(each)
            for part in PARTS:
                _copy(ROOT / part, copy / part)
            free.put(copy)
        yield free


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        shutil.copy(source, target)


def run_tests(copy: Path, test: str, only: str) -> tuple[int, str]:
    """Run some tests on a copy: the exit code of pytest and its output; code 1 if they hang."""
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", test]
    command += ["-k", only] if only else []
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that it ends what it started
            said, _ = process.communicate()
            return FAILED, f"FAILED {test} - hangs\n{said}"
    return process.returncode, said


def try_mutation(mutation: Mutation, free: "queue.Queue[Path]") -> Verdict:
    """Plant a bug in a copy, run the tests that can see it, take it out again."""
    copy = free.get()
    place = copy / mutation.file
    sound = place.read_text()
    began = time.monotonic()
    try:
        place.write_text(sound.replace(mutation.old, mutation.new))
        code, said = run_tests(copy, mutation.test, mutation.only)
    finally:
        place.write_text(sound)
        free.put(copy)
    if code not in (PASSED, FAILED):
        raise Hollow(f"{mutation.breaks}: pytest answered {code}\n{said}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    caught_by = (failed.group(1) if failed else mutation.test) if code == FAILED else ""
    return Verdict(mutation, caught_by, time.monotonic() - began)


def require_sound(mutations: Sequence[Mutation], free: "queue.Queue[Path]") -> None:
    """Raise Hollow unless all of these tests pass without any bug."""
    for test in sorted({mutation.test for mutation in mutations}):
        names = {mutation.only for mutation in mutations if mutation.test == test}
        copy = free.get()
        code, said = run_tests(copy, test, "" if "" in names else " or ".join(sorted(names)))
        free.put(copy)
        if code != PASSED:
            raise Hollow(f"{test} fails without any bug\n{said}")


def print_row(verdict: Verdict) -> None:
    """One line of the table."""
    mutation = verdict.mutation
    test = verdict.caught_by.removeprefix("tests/") or "SURVIVED"
    print(f"{mutation.breaks:<52} {mutation.file:<28} {test:<96} {verdict.seconds:6.1f}", flush=True)


def main() -> None:
    """Try the mutations; exit with 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", help="mutations with this in what they break or their file"
    )
    parser.add_argument(
        "--side-by-side", type=int, default=os.cpu_count() or 1, help="how many at a time"
    )
    asked = parser.parse_args()
    chosen = [each for each in MUTATIONS if asked.only in f"{each.breaks} {each.file}"]
    began = time.monotonic()
    with copies(asked.side_by_side) as free, ThreadPoolExecutor(asked.side_by_side) as pool:
        require_sound(chosen, free)
        print(f"unmutated, all tests named here pass: {time.monotonic() - began:.0f} s", flush=True)
        verdicts = []
        for verdict in pool.map(lambda each: try_mutation(each, free), chosen):
            print_row(verdict)
            verdicts.append(verdict)
    survivors = [each.mutation.breaks for each in verdicts if not each.caught_by]
    seconds = time.monotonic() - began
    print(f"{len(verdicts)} mutants, {len(survivors)} survived, {seconds:.0f} s {survivors or ''}")
    raise SystemExit(bool(survivors) or not verdicts)


if __name__ == "__main__":
    main()
