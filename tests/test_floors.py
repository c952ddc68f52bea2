"""Versions below which a hole is known, as data; what this Python lacks is guarded by our own code."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent

FLOORS = {
    "python-multipart": (
        "0.0.32",
        "CVE-2024-24762, CVE-2024-53981, CVE-2026-24486, CVE-2026-40347, CVE-2026-42561, CVE-2026-53539,"
        " GHSA-v9pg-7xvm-68hf: forms that take for ever, files outside their folder",
    ),
    "starlette": (
        "1.5.1",
        "CVE-2023-30798, CVE-2024-47874, CVE-2025-54121, CVE-2025-62727, CVE-2026-48710, CVE-2026-48817,"
        " CVE-2026-48818, CVE-2026-54282, CVE-2026-54283: memory, and time, without bounds",
    ),
    "h11": ("0.16.0", "CVE-2025-43859: request smuggling"),
    "uvicorn": ("0.54", "CVE-2020-7694, CVE-2020-7695: lines forged in logs, headers in answers"),
    "pillow": (
        "12.3.0",
        "CVE-2023-4863, CVE-2023-50447, CVE-2025-48379, CVE-2026-25990, CVE-2026-40192, CVE-2026-42308"
        " to 42311, CVE-2026-54058 to 54060, CVE-2026-55379, CVE-2026-55380, CVE-2026-55798,"
        " CVE-2026-59197 to 59205: memory overwritten by what decodes",
    ),
    "torch": ("2.10.0", "CVE-2025-32434, CVE-2026-24747: weights_only was not safe"),
    "celery": ("5.6.0", "CVE-2021-23727: commands in stored errors; the broker's password in logs"),
    "jinja2": ("3.1.6", "CVE-2025-27516: out of the sandbox"),
}
"""The package, its floor, and why."""


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): Version(number) for name, number in pairs}


def required() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for group in (project["dependencies"], *project["optional-dependencies"].values()):
        yield from (each for each in map(Requirement, group) if each.name != project["name"])


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_has_a_known_hole(name: str) -> None:
    floor, why = FLOORS[name]
    assert pinned()[name] >= Version(floor), why
    assert Version(version(name)) >= Version(floor), why


def test_what_is_installed_without_constraints_has_none_either() -> None:
    """pip may take any version that pyproject.toml allows, so its lower bounds are floors, too."""
    bounds = {
        canonicalize_name(each.name): min(
            (Version(part.version) for part in each.specifier if part.operator in (">=", "==")),
            default=Version("0"),
        )
        for each in required()
    }
    low = {
        name: str(bounds[name])
        for name, (floor, _) in FLOORS.items()
        if name in bounds and bounds[name] < Version(floor)
    }
    assert low == {}


def test_everything_required_is_pinned_and_tested_as_pinned() -> None:
    pins = pinned()
    for each in required():
        name = canonicalize_name(each.name)
        assert name in pins, name
        assert Version(version(name)).public == pins[name].public, name
        assert pins[name] in each.specifier, name


def test_a_version_below_its_floor_is_seen() -> None:
    assert Version("0.0.9") < Version(FLOORS["python-multipart"][0])
    assert Version("12.2.0") < Version(FLOORS["pillow"][0])


READERS = {
    r"\bZipFile\((?!\w+, \"w\")|\bzipfile\.Path\(": "CVE-2024-0450, CVE-2024-8088: overlaps",
    r"\btarfile\b": "CVE-2007-4559, CVE-2025-4517: out of the folder",
    r"\bunpack_archive\(": "the same",
    r"\bxml\.|\bminidom\b": "expansion without bounds",
}
"""What of Python 3.11.7 must not read what others send, and why. Ours writes ZIPs with it, no more;
training reads files of whoever trains."""

UNTOLD = ("is_global", "is_private", "is_reserved", "is_site_local")
"""CVE-2024-4032: what 3.11.7 says of addresses is wrong; worker/webhooks/addresses.py has tables."""


def sources() -> Iterator[tuple[Path, str]]:
    for package in ("api", "worker", "model"):
        for path in (ROOT / package).rglob("*.py"):
            yield path, path.read_text()


def test_what_this_python_lacks_is_not_leant_on() -> None:
    for path, text in sources():
        for reader, why in READERS.items():
            assert not re.search(reader, text), (path, why)
        for name in UNTOLD:
            assert f".{name}" not in text, path


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("test_zips.py", "overlapping_zip"),
        ("test_zips.py", "archive-bomb"),
        ("hostile_urls.py", "64:ff9b::"),
        ("hostile_urls.py", "2002:7f00:1"),
        ("hostile_urls.py", "fec0::"),
        ("hostile_urls.py", "100.64."),
        ("hostile_urls.py", "224.0.0."),
        ("hostile_urls.py", "2130706433"),
        ("hostile_urls.py", "0x7f"),
    ],
)
def test_the_cases_that_fool_this_python_are_tested_against_our_code(file: str, name: str) -> None:
    assert name in (ROOT / "tests" / file).read_text()
