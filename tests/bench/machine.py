"""The machine of a run, for the title of its table and for its record."""

import os
import platform
from importlib.metadata import version

from model.engines.opening import open_predictor
from model.machine import processor

from .setting import CORES, Setting

PACKAGES = ("celery", "numpy", "opencv-python-headless", "openvino", "redis", "uvicorn")


def machine(setting: Setting) -> dict[str, str]:
    """Processor, cores, load, versions, and what runs the network."""
    return {
        "processor": f"{CORES} cores ({processor()})",
        "load": f"{os.getloadavg()[0]:.1f}",
        "engine": open_predictor(setting.model, device=setting.device, threads=1).engine,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
