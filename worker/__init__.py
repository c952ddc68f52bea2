"""The queue in Redis, and the processes that serve it. Only the ledger's Lua scripts change a job there.

A worker runs the networks in its `engine`; its doorbells arrive in `tasks`. The gateway may import all
but these two: nothing else needs torch, nor do two other processes, `decoding`, for untrusted images,
and `sender`, for webhooks.
"""
