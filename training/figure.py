"""A blank figure. matplotlib and what belongs to it are imported when something is first drawn: they
take half a second, for which commands that draw nothing need not wait."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank(width: float, height: float) -> "Figure":
    """Of `width` by `height` inches; what is drawn on it makes room for its labels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
