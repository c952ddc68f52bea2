"""The machine of a run, for the title of its table and for its record."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from model.engines.opening import open_predictor

from .setting import CORES, Setting

PACKAGES = ("celery", "numpy", "opencv-python-headless", "openvino", "redis", "uvicorn")


def machine(setting: Setting) -> dict[str, str]:
    """Processor, cores, load, versions, and what runs the network."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "processor": f"{CORES} cores ({model})",
        "load": f"{os.getloadavg()[0]:.1f}",
        "engine": open_predictor(setting.model, device=setting.device, threads=1).engine,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
