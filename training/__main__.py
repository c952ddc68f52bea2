"""`python -m training`: the training line's command."""

from .cli import app

if __name__ == "__main__":
    app(prog_name="python -m training")
