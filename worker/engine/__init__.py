"""The engine of a worker process: from claimed chunks to committed results."""
