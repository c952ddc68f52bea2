"""The command `inkqueue`."""

from model.loading import loading

with loading():
    from .commands import app

__all__ = ["app"]
