"""`python -m training`, which is also `inkqueue train`, `inkqueue evaluate` and so on."""

import sys

from model.loading import loading


def main() -> None:
    """Run the command; if a package that it needs is missing, say what to install."""
    try:
        with loading():
            from .cli import app
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing in ("model", "training"):
            raise
        sys.exit(f"error: {missing} is not installed: in Inkqueue's folder, pip install '.[training]'")
    app(prog_name="inkqueue")


if __name__ == "__main__":
    main()
