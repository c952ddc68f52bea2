"""The queue and those who serve it.

The front door (settings, keys, jobs, chunks, results, ledger, store, doorbell, app) needs no torch and
is what the gateway imports; the engine room (engine, drain, reading, tasks) holds the networks. Image
files are decoded by a process of a worker's own (decoding), and webhooks sent by one (sender, webhooks);
neither needs torch.
"""
