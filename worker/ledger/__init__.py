"""The ledger in Redis, the source of truth: its Lua scripts, what they keep, and who calls them."""
