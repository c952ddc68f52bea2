"""`python -m model`, which is also `inkqueue read`."""

from .loading import loading

with loading():
    from .command import main

if __name__ == "__main__":
    main()
