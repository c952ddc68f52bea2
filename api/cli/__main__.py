"""`python -m api.cli`: the command `inkqueue` where it is not on the PATH."""

from . import app

app(prog_name="inkqueue")
