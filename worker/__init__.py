"""The queue in Redis, and the processes that serve it. Only the ledger's Lua scripts change a job there.

The gateway imports submissions, store, journal, gauges and webhooks, none of which needs torch. A worker
runs the networks: engine, draining, ledger, reading; its doorbells arrive in tasks. Two other processes
do without torch: decoding, for untrusted images, and sender, for webhooks.
"""
