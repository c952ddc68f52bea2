"""The queue, which lives in Redis; only the Lua scripts of the ledger change a job there (scripts).

Front door, imported by the gateway, without torch: entrance, store, journal, gauges, webhooks. Engine
room, with the networks: engine, draining, ledger, reading; tasks hears its doorbell. Processes beside
it, without torch: decoding, for images of strangers, and sender, for webhooks.
"""
