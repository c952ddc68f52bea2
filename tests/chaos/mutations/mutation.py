"""A seeded bug: what it breaks, where and how, and which test must see it."""

from dataclasses import dataclass

LEDGER = "tests/test_ledger.py"
LINGERING = "tests/test_lingering.py"
OUTBOX = "tests/test_webhook_outbox.py"
READING = "tests/test_reading.py"
POISON_GUARD = "tests/test_poison_guard.py"
DECODING = "tests/test_decoding.py"
ADMISSION = "tests/test_admission.py"
MODEL = "tests/test_ledger_model.py"


@dataclass(frozen=True)
class Mutation:
    """What is broken, in which file, how; the test file that must fail, and which of its tests (-k)."""

    breaks: str
    file: str
    old: str
    new: str
    test: str
    only: str = ""


def lua(breaks: str, script: str, old: str, new: str, only: str, test: str = LEDGER) -> Mutation:
    """A mutation of a script of the ledger."""
    return Mutation(breaks, f"worker/ledger/scripts/{script}.lua", old, new, test, only)
