"""Settings are read from one environment by all processes, and explained where they stand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import GatewaySettings
from model.card import read_cards
from worker.environment import KNOWN, unknown_settings
from worker.settings import BadSettings, QueueSettings, SenderSettings, WorkerSettings

ALL = (GatewaySettings, SenderSettings, WorkerSettings)
ROOT = Path(__file__).parent.parent
CLIENT, NETWORKS, TESTS = {"INKQUEUE_URL", "INKQUEUE_API_KEY"}, "INKQUEUE_WEIGHTS", "INKQUEUE_FAILPOINTS"


@pytest.mark.parametrize("settings", ALL)
def test_every_setting_is_explained(settings: type[QueueSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_one_name_means_one_thing() -> None:
    said: dict[str, set[tuple[str | None, object]]] = {}
    for settings in ALL:
        for name, field in settings.model_fields.items():
            said.setdefault(name, set()).add((field.description, field.default))
    assert [name for name, meanings in said.items() if len(meanings) > 1] == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("EXPIRES_IN", ["0", "-1", "604801"]),
        ("MAX_QUEUED", ["0"]),
        ("MAX_IMAGES", ["0"]),
        ("MAX_BODY_BYTES", ["-1"]),
        ("MAX_URL_BYTES", ["0"]),
        ("PREDICTION_WAIT", ["nan", "inf", "-1"]),
        ("KEEP_ALIVE_S", ["inf"]),
        ("DECODE_S", ["nan"]),
        ("WEBHOOK_PORTS", ["99999999", "80,0", "80,"]),
        ("PORT", ["65536", "-1"]),
        ("MIN_WORKERS", ["-1", "17"]),
    ],
)
def test_what_no_gateway_can_work_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[str]
) -> None:
    for value in values:
        monkeypatch.setenv(f"INKQUEUE_{name}", value)
        with pytest.raises(BadSettings, match=f"^INKQUEUE_{name}: "):
            GatewaySettings()


def test_an_empty_name_of_a_file_of_keys_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKQUEUE_API_KEYS_FILE", "")
    assert GatewaySettings().api_keys_file is None


def test_openvino_is_not_asked_for_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKQUEUE_ENGINE", "openvino")
    assert WorkerSettings().engine == "openvino"
    monkeypatch.setenv("INKQUEUE_DEVICE", "cuda:1")
    with pytest.raises(BadSettings, match=r"^INKQUEUE_ENGINE: openvino runs on a CPU,"):
        WorkerSettings()


def test_a_job_may_be_kept_as_long_as_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKQUEUE_EXPIRES_IN", "2000000")
    monkeypatch.setenv("INKQUEUE_MAX_EXPIRES_IN", "2000000")
    assert GatewaySettings().expires_in == 2_000_000


@pytest.mark.parametrize(
    "url",
    [
        "redis+socket:///run/redis.sock",
        "sentinel://10.0.0.1:26379",
        "rediss://u:p%40@[::1]/1?client_name=a%40b",
    ],
)
def test_a_broker_may_be_what_celery_understands(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("INKQUEUE_BROKER_URL", url)
    assert QueueSettings().broker_url == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://:sekret/word@127.0.0.1:6379/0",
        "redis://:sekret#word@127.0.0.1:6379/0",
        "redis://:sekret?word@127.0.0.1:6379/0",
        "redis://:1234/sekret@127.0.0.1:6379/0",
        "redis://:1234#sekret@127.0.0.1:6379/0",
        "redis://:1234?sekret@127.0.0.1:6379/0",
        "redis://:[sekret@127.0.0.1:6379/0",
        "sekret",
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "INKQUEUE_BROKER_URL"])
def test_a_password_that_is_not_encoded_is_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(BadSettings) as found:
        QueueSettings()
    assert str(found.value).startswith(f"{name}: cannot be read as redis://HOST:PORT/0; percent-encode")
    assert found.value.__cause__ is None
    assert found.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "unix:///run/redis.sock?db=0"),
        ("REDIS_URL", "redis+socket:///run/redis.sock"),
        ("REDIS_URL", "sentinel://10.0.0.1:26379"),
        ("INKQUEUE_BROKER_URL", "unix:///run/redis.sock?db=0"),
        ("INKQUEUE_BROKER_URL", "amqp://10.0.0.1"),
    ],
)
def test_a_url_that_the_process_cannot_speak_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(BadSettings, match=f"^{name}: cannot be read as redis://"):
        QueueSettings()


def test_a_password_that_is_encoded_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url := "redis://me:p%2Fq%23@127.0.0.1:6379/0?socket_timeout=3")
    assert QueueSettings().redis_url == url


def test_networks_are_listed_with_spaces_or_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKQUEUE_MODELS", " digits ,balanced,")
    assert WorkerSettings().served_models() == ["digits", "balanced"]
    monkeypatch.setenv("INKQUEUE_MODELS", " ")
    assert WorkerSettings().served_models() == list(read_cards())


@pytest.mark.parametrize(
    ("settings", "setting", "reason"),
    [
        (GatewaySettings, "INKQUEUE_WINDOW=0", "INKQUEUE_WINDOW: Input should be greater"),
        (WorkerSettings, "INKQUEUE_THREADS=abc", "INKQUEUE_THREADS: Input should be a valid integer"),
        (WorkerSettings, "INKQUEUE_DEVICE=gpu", "INKQUEUE_DEVICE: String should match pattern"),
        (WorkerSettings, "INKQUEUE_MODELS=roman", "INKQUEUE_MODELS: no network 'roman'; there are"),
        (SenderSettings, "INKQUEUE_WEBHOOK_TIMEOUT_S=0", "INKQUEUE_WEBHOOK_TIMEOUT_S: Input"),
        (SenderSettings, "INKQUEUE_LEASE_MS=", "INKQUEUE_LEASE_MS: Input should be a valid integer"),
    ],
)
def test_what_nobody_can_work_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: type[QueueSettings], setting: str, reason: str
) -> None:
    monkeypatch.setenv(*setting.split("="))
    with pytest.raises(BadSettings, match=f"^{reason}"):
        served(settings())


def served(settings: QueueSettings) -> None:
    """What a worker looks for, too, before it starts."""
    if isinstance(settings, WorkerSettings):
        settings.served_models()


@pytest.mark.parametrize(
    ("module", "log", "setting", "reason"),
    [
        ("api", "json", "REDIS_URL=redis://:sekret/word@127.0.0.1:6379/0", "REDIS_URL: cannot be read"),
        ("worker.alive", "json", "REDIS_URL=unix:///run/redis.sock", "REDIS_URL: cannot be read"),
        ("worker", "text", "INKQUEUE_WEIGHTS=/nonexistent", "INKQUEUE_WEIGHTS: /nonexistent: no model"),
        ("worker", "json", "REDIS_URL=redis://:sekret/word@127.0.0.1:6379/0", "REDIS_URL: cannot be"),
        ("worker.sender", "text", "INKQUEUE_LEASE_MS=", "INKQUEUE_LEASE_MS: Input should be a valid"),
    ],
)
def test_a_process_says_in_a_line_which_setting_it_does_not_take(
    module: str, log: str, setting: str, reason: str
) -> None:
    name, _, value = setting.partition("=")
    (line,) = started_in_vain(module, {"INKQUEUE_LOG": log, name: value})
    assert told(line, log).startswith(reason)
    assert "sekret" not in line


def started_in_vain(module: str, settings: dict[str, str]) -> list[str]:
    """The lines of a process that does not start with these settings."""
    command, environment = [sys.executable, "-m", module], os.environ | settings
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    return done.stderr.splitlines()


def told(line: str, log: str) -> str:
    """The reason of a refusal, as people or machines are told."""
    return str(json.loads(line)["message"]) if log == "json" else line.partition(": ")[2]


def test_what_is_known_is_what_is_read() -> None:
    ours = {
        field.validation_alias or f"INKQUEUE_{name.upper()}"
        for settings in ALL
        for name, field in settings.model_fields.items()
    }
    files = [*ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/*.yml"), ROOT / ".env.example"]
    composed = re.findall(r"INKQUEUE_\w+", "".join(each.read_text() for each in files))
    assert set(KNOWN.values()) == {*ours, *composed, *CLIENT, NETWORKS, TESTS}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("INKQUEUE_QOUTA_BYTES", "; did you mean INKQUEUE_QUOTA_BYTES?"),
        ("INKQUEUE_REDIS_URL", "; did you mean REDIS_URL?"),
        ("inkqueue_treads", "; did you mean INKQUEUE_THREADS?"),
        ("INKQUEUE_XYZ", ""),
    ],
)
def test_a_name_that_nobody_reads_is_told_with_the_nearest_that_somebody_does(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert f"{name}: no such setting{said}" in unknown_settings()


@pytest.mark.parametrize(
    "name",
    [
        *("INKQUEUE_QUOTA_BYTES", "inkqueue_threads", "INKQUEUE_FOLDER", "INKQUEUE_URL"),
        *("INKQUEUE_API_SERVICE_HOST", "INKQUEUE_API_SERVICE_PORT_HTTP", "INKQUEUE_API_PORT"),
        "INKQUEUE_API_PORT_8000_TCP_ADDR",
    ],
)
def test_what_somebody_reads_and_what_kubernetes_adds_is_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert not [said for said in unknown_settings() if said.startswith(f"{name}:")]


def test_a_file_of_settings_can_be_checked_before_anything_starts() -> None:
    assert started_in_vain("worker.environment", {"INKQUEUE_QOUTA_BYTES": "1"}) == [
        "INKQUEUE_QOUTA_BYTES: no such setting; did you mean INKQUEUE_QUOTA_BYTES?"
    ]
    known = os.environ | {"INKQUEUE_QUOTA_BYTES": "1"}
    subprocess.run([sys.executable, "-m", "worker.environment"], env=known, check=True)


@pytest.mark.parametrize(
    ("module", "log"), [("api", "text"), ("worker", "text"), ("worker.sender", "json")]
)
def test_a_process_on_its_own_warns_of_a_name_that_nobody_reads_and_names_a_redis_that_is_not_there(
    module: str, log: str
) -> None:
    settings = {"INKQUEUE_QOUTA_BYTES": "1", "REDIS_URL": "redis://127.0.0.1:1/0", "INKQUEUE_LOG": log}
    warning, refusal = started_in_vain(module, settings)
    assert told(refusal, log).startswith("REDIS_URL: Error ")
    assert "WARNING" in warning
    assert "INKQUEUE_QOUTA_BYTES: no such setting; did you mean INKQUEUE_QUOTA_BYTES?" in warning
