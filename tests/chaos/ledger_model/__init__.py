"""The ledger as it must be, and a machine that does whatever may happen to it and to the real one."""
