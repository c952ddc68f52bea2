"""The ledger as it must be, and a machine that does to both, it and the real one, whatever may happen."""
