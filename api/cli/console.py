"""How the command speaks: data on stdout, everything else on stderr, refusals without a traceback."""

from model import terminal
from model.folders import NoImages
from model.terminal import Refusal, notes
from worker.settings import BadSettings

from ..auth.credentials import BadKeys
from ..client import InkqueueError, ProblemError, Unreachable

__all__ = ["Commands", "Refusal", "notes"]


class Commands(terminal.Commands):
    """The commands of `inkqueue`."""

    refusals = (Refusal, NoImages, BadKeys, BadSettings, InkqueueError)

    def hint(self, error: Exception) -> str:
        """What to do if no gateway is reached, or if it requires a key."""
        if isinstance(error, Unreachable):
            return "; start one with `inkqueue up`, or name another with --url or INKQUEUE_URL"
        if isinstance(error, ProblemError) and error.status == 401:
            return " (--api-key or INKQUEUE_API_KEY)"
        return ""
