"""`python -m training`, which is also `inkqueue train`, `inkqueue evaluate` and so on."""

import sys
from importlib.util import find_spec

from model.loading import loading

DRAWING = ("matplotlib", "tensorboard")
"""Imported when something is first drawn, which may be at the end of a training. So whether they are
installed is asked before."""


def main() -> None:
    """Run the command; if a package that it needs is missing, say what to install."""
    try:
        with loading():
            from .cli import app
        for package in DRAWING:
            if not find_spec(package):
                raise ModuleNotFoundError(name=package)
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing in ("model", "training"):
            raise
        sys.exit(f"error: {missing} is not installed: in Inkqueue's folder, pip install '.[training]'")
    app(prog_name="inkqueue")


if __name__ == "__main__":
    main()
