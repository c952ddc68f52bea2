"""Webhooks by Standard Webhooks 1.0.0: where they may go, how they are signed, sent and retried.

The ledger's outbox (scripts/outbox.lua) says what is to be sent. The gateway keeps the endpoints and
lists the deliveries; a sender (worker/sender.py) makes them.
"""
