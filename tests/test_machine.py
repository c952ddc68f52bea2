"""The processors and the memory that a process may use, by affinity and by a container's limits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.machine import memory_bytes, usable_cores

MINE = len(os.sched_getaffinity(0))


def write(groups: Path, **files: str) -> Path:
    """Control groups with these files; `__` stands for a folder."""
    for name, text in files.items():
        path = groups / name.replace("__", "/").replace("_max", ".max").replace("cpu_cfs", "cpu.cfs")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return groups


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, MINE),
        ({"cpu_max": "max 100000\n"}, MINE),
        ({"cpu_max": "50000 100000\n"}, 1),
        ({"cpu_max": "150000 100000\n"}, min(2, MINE)),
        ({"cpu_max": "6400000 100000\n"}, MINE),
        ({"cpu_max": "unheard of\n"}, MINE),
        ({"cpu_max": ""}, MINE),
        ({"cpu_max": "50000\n"}, MINE),
        ({"cpu__cpu_cfs_quota_us": "-1\n", "cpu__cpu_cfs_period_us": "100000\n"}, MINE),
        ({"cpu__cpu_cfs_quota_us": "100000\n", "cpu__cpu_cfs_period_us": "100000\n"}, 1),
    ],
)
def test_a_quota_counts_as_the_cores_it_pays_for(
    files: dict[str, str], cores: int, tmp_path: Path
) -> None:
    assert usable_cores(write(tmp_path, **files)) == cores


@pytest.mark.parametrize("text", ["", "max\n", "1024 1024\n", "9" * 19])
def test_only_a_single_figure_limits_memory(text: str, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1024\n")
    assert memory_bytes(tmp_path) == 1024
    (tmp_path / "memory.max").write_text(text)
    assert memory_bytes(tmp_path) == memory_bytes(tmp_path / "none")


def test_only_processors_that_a_process_may_run_on_count(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
from model.machine import usable_cores
from model.engines.opening import cores
from api.stack.stack import WORKERS
print(usable_cores(Path({str(tmp_path)!r})), cores(0), cores(3), WORKERS)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1 3 1\n"
