"""Bad input, and what it gets: hundreds of cases put to real gateways over real sockets.

`lines` says what there is to be afraid of, each group of cases answers its part of it, `stage` is what
they are put to, `running` measures, and `python -m corpus` prints the table.
"""
