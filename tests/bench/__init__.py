"""`make bench`: the README's figures, measured on real processes of this machine. Not a test."""
