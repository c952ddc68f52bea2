"""The queue in Redis, and the processes that serve it. Only the ledger's Lua scripts change a job there.

The gateway imports `ledger`, `connections` and `webhooks`, none of which needs torch. A worker runs the
networks in its `engine`; its doorbells arrive in `tasks`. Two other processes do without torch:
`decoding`, for untrusted images, and `sender`, for webhooks.
"""
