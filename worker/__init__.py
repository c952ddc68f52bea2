"""The queue and those who serve it.

The front door (settings, keys, jobs, chunks, results, ledger, store, doorbell, app) needs no torch and
is what the gateway imports; the engine room (engine, drain, reading, tasks) holds the networks. Webhooks
are sent by a process of their own (sender, webhooks), which needs no torch either.
"""
