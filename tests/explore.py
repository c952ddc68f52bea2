"""`make model`: random walks of the ledger beside its model; shows the shortest way to a difference."""

import argparse
import time

from chaos.ledger_model.running import explore


def main() -> None:
    """Run the walks; fail at the first difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="walks of 50 steps")
    parser.add_argument("--fixed", action="store_true", help="the same walks each time")
    asked = parser.parse_args()
    began = time.monotonic()
    census = explore(asked.examples, fixed=asked.fixed, shrink=True)
    print(f"{census}; {time.monotonic() - began:.0f} s; the ledger and its model never differed")


if __name__ == "__main__":
    main()
