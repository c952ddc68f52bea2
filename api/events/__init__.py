"""From a notification in Redis to the clients that wait for a job or follow it."""
