"""A model of the ledger, and a state machine that does whatever may happen to it and to the real one."""
