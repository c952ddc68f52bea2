"""Things are cut into portions in order: none is lost, none too large but of a single thing."""

from worker.portions import portions


def cut(sizes: list[int], most: int) -> list[list[int]]:
    return [sizes[some] for some in portions(sizes, most)]


def test_as_much_is_together_as_may_be() -> None:
    assert cut([2, 3, 5, 5, 1], 6) == [[2, 3], [5], [5, 1]]


def test_what_is_too_large_is_alone() -> None:
    assert cut([9, 1, 9, 1, 1], 4) == [[9], [1], [9], [1, 1]]
    assert cut([0, 9, 0], 4) == [[0], [9], [0]]


def test_nothing_is_no_portion() -> None:
    assert cut([], 4) == []
