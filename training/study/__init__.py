"""The study of a task: small networks compared by design, told as a report (`inkqueue study`)."""
