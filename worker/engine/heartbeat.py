"""What a worker tells the ledger every two seconds: that it is alive, what it reads and how fast."""

import json
from collections.abc import Sequence

from ..ledger.ledger import Ledger
from .pace import Paces


class Heartbeat:
    """What each beat tells. `note_batch` is for one thread at a time."""

    def __init__(self, ledger: Ledger, models: Sequence[str], device: str, budget: int) -> None:
        """`budget`: the number of images claimed at a time."""
        self._ledger, self._models, self._device = ledger, models, device
        self._paces, self._budget = Paces(budget // 2), budget
        self._images = self._batch = 0
        self._reading = ""

    def note_model(self, model: str) -> None:
        """Note which model is read with from now on; '' for none."""
        self._reading = model

    def note_batch(self, model: str, images: int, seconds: float) -> None:
        """Note that a batch was done."""
        self._paces.add(model, images, seconds)
        self._images += images
        self._batch = images

    def beat(self) -> None:
        """Tell the ledger. Raises redis.RedisError."""
        self._ledger.heartbeat(
            {
                "id": self._ledger.worker,
                "models": ",".join(self._models),
                "device": self._device,
                "budget": str(self._budget),
                "images": str(self._images),
                "batch": str(self._batch),
                "reading": self._reading,
                "rates": json.dumps(dict(self._paces.rates())),
            }
        )
