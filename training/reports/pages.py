"""The templates of pages: those here, which others may include, and those of the package that asks."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape

from ..tables import percent, short


def templates(*packages: str) -> Environment:
    """Of the folders `templates` in `packages` and here; shares and numbers are written by filters."""
    loaders = [PackageLoader(package) for package in (*packages, "training.reports")]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "short": short}
    return environment
