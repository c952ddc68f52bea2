"""How the ledger's scripts are put together: each has in front what it stands on, and nothing else."""

import re
from importlib.resources import files

import pytest

from worker.ledger import scripts
from worker.ledger.scripts.linking import SEQUENCES, SHARED, source

FOUND = {path.name.removesuffix(".lua") for path in files(scripts).iterdir() if "lua" in path.name}
ALL = sorted((FOUND | {*SEQUENCES}) - {*SHARED, "relief"})
BUILT_IN = {"function", "ipairs", "pairs", "tonumber", "tostring", "unpack"}


def code_of(name: str) -> str:
    """A script without comments and texts."""
    return re.sub(r"'[^']*'", "''", re.sub("--.*", "", source(name)))


@pytest.mark.parametrize("name", ALL)
def test_whatever_a_script_calls_is_there(name: str) -> None:
    code = code_of(name)
    called = set(re.findall(r"(?<![.\w])(\w+)\(", code)) - {"work", "if", "and", "or", "not", "return"}
    assert called <= {*re.findall(r"local function (\w+)", code)} | BUILT_IN


@pytest.mark.parametrize("name", ALL)
def test_whatever_a_script_has_in_front_is_used(name: str) -> None:
    defined = re.findall(r"^local function (\w+)", source(name), re.MULTILINE)
    unused = {each for each in defined if len(re.findall(rf"\b{each}\b", source(name))) < 2}
    assert not unused


def test_what_gathers_nothing_writes_nothing_at_its_end() -> None:
    for reader in ("stage", "pressure"):  # of counters
        assert "local function counted(" in source(reader)
        assert "write_gathered()" not in source(reader)
    assert source("submit").count("\nwrite_gathered()") == 1
