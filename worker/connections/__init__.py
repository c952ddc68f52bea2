"""How every process talks to Redis: connections, pipelining, and what makes Redis unsafe."""
