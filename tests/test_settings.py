"""Settings are read from one environment by all processes, and explained where they stand."""

import pytest

from api.settings import GatewaySettings
from worker.settings import QueueSettings, SenderSettings, WorkerSettings

ALL = (GatewaySettings, SenderSettings, WorkerSettings)


@pytest.mark.parametrize("settings", ALL)
def test_every_setting_is_explained(settings: type[QueueSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_one_name_means_one_thing() -> None:
    said: dict[str, set[tuple[str | None, object]]] = {}
    for settings in ALL:
        for name, field in settings.model_fields.items():
            said.setdefault(name, set()).add((field.description, field.default))
    assert [name for name, meanings in said.items() if len(meanings) > 1] == []
