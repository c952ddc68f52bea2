"""The table of seeded bugs stands: every place is there once, every test that must see it exists."""

import re
from collections import Counter
from pathlib import Path

import pytest

from chaos.mutations import MUTATIONS
from chaos.mutations.mutation import Mutation

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_a_mutation_has_its_place_and_its_test(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    assert mutation.new != mutation.old
    names = re.findall(r"def (test_\w+)", (ROOT / mutation.test).read_text())
    assert any(mutation.only in name for name in names), names


def test_there_are_many_and_each_is_another() -> None:
    assert len(MUTATIONS) >= 30
    assert max(Counter(mutation.breaks for mutation in MUTATIONS).values()) == 1
