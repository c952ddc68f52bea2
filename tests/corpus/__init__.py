"""Bad input and its answers: hundreds of cases, sent to real gateways over real sockets.

`lines` lists the threats, each group of cases covers its part of them, `stage` has the gateways,
`running` measures, and `python -m corpus` prints the table.
"""
