"""From a notice in Redis to whoever waits for a job or follows it."""
