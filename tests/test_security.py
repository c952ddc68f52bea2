"""SECURITY.md promises nothing that no test holds, and names nothing that is not there."""

import re
from pathlib import Path

from api.auth.credentials import SCOPES
from api.settings import GatewaySettings
from worker.settings import SenderSettings, WorkerSettings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| ")][2:]


def test_every_threat_has_a_control_and_a_test_that_exists() -> None:
    sources = {path.name: path.read_text() for path in (ROOT / "tests").glob("test_*.py")}
    makefile = (ROOT / "Makefile").read_text()
    assert len(ROWS) > 15
    for threat, control, held in ROWS:
        assert threat.strip(), held
        assert control.strip(), held
        for name in re.findall(r"`([^`]+)`", held) or [""]:
            if name.startswith("make "):
                assert f"\n{name.removeprefix('make ')}:" in makefile, name
            elif name.endswith(".py"):
                assert name in sources, name
            else:
                assert any(f"def {name}(" in text for text in sources.values()), name


def test_what_the_page_names_is_there() -> None:
    known = {
        f"INKQUEUE_{name.upper()}"
        for settings in (GatewaySettings, WorkerSettings, SenderSettings)
        for name in settings.model_fields
    }
    assert set(re.findall(r"INKQUEUE_[A-Z_]+", PAGE)) <= known
    for path in re.findall(r"deploy/[\w.-]+", PAGE):
        assert (ROOT / path).exists() or path == "deploy/users.acl", path
    for scope in SCOPES:
        assert f"`{scope}`" in PAGE
