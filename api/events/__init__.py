"""From a notice in Redis to the clients that wait for a job or follow it."""
