"""What is done to the service on purpose, and the checker of what must hold all the same."""
