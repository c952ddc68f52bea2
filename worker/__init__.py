"""The queue: jobs and chunks in Redis, changed only by the Lua scripts of the ledger (scripts).

Front door, imported by the gateway and without torch: jobs, chunks, entrance, store, journal, gauges.
Engine room, a worker's: engine, draining, ledger, reading; tasks rings it. Processes beside it, without
torch: decoding for strangers' images, and sender, which sends the webhooks.
"""
