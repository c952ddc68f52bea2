"""`make bench`: the README's figures, on real processes of this machine. A benchmark, never a test."""
