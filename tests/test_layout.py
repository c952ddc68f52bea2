"""The borders between packages, and what a gateway process may weigh."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services import Services

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("package", ["api", "worker", "model", "training"])
def test_packages_come_from_this_repository(package: str) -> None:
    module = __import__(package)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / package


def test_the_gateway_imports_where_torch_cannot_be() -> None:
    code = "import sys; sys.modules['torch'] = None; import api.app, api.cli"
    code += "; assert 'cv2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_borders_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_gateway_process_holds_no_torch_and_little_memory(services: Services) -> None:
    gateway = psutil.Process(services.processes[0].pid)
    assert gateway.cmdline()[-1] == "api"
    libraries = [region.path for region in gateway.memory_maps()]
    assert not [path for path in libraries if "torch" in path]
    assert gateway.memory_info().rss < 140 << 20  # whatever other tests have asked of it


def test_every_module_says_what_it_is() -> None:
    for folder in ("api", "worker", "model", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            assert path.read_text().startswith('"""'), path
