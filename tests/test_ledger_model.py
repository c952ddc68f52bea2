"""The ledger against its model: whatever happens in whatever order, both say the same."""

from chaos.ledger_model.running import explore

EXAMPLES = 20


def test_the_ledger_does_what_its_model_says() -> None:
    census = explore(EXAMPLES, fixed=True, shrink=False)
    print(census)
    assert len(census.states) > 5 * EXAMPLES
    assert len(census.transitions) > 10 * EXAMPLES
