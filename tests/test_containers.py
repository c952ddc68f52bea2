"""What containers may: no root, nothing written but where it must be, Redis for nobody outside."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import yaml

from worker.embedded import find_server, free_port

from services import end_process
from waiting import until

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("api", "worker", "sender")


def stages() -> dict[str, list[str]]:
    """The lines of each stage of the Dockerfile, with those of the stages it stands on."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in DOCKERFILE.replace("\\\n", " ").splitlines():
        if match := re.match(r"FROM (\S+) AS (\S+)", line):
            name = match[2]
            found[name] = list(found.get(match[1], []))
        found.setdefault(name, []).append(line)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert 0 < service["pids_limit"] <= 1024
    assert re.search(r"\d+[mg]\b", service["mem_limit"])
    for mount in service["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= set(mount.partition(":")[2].split(","))
        assert "size=" in mount
    for forbidden in ("privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"):
        assert forbidden not in service
    assert service.get("network_mode", "none") == "none"
    assert not [mount for mount in service.get("volumes", ()) if "docker.sock" in str(mount)]
    assert service["restart"] == "no" or service["healthcheck"]["test"]


def test_only_named_volumes_are_written_to() -> None:
    written = {
        (name, mount.split(":")[0])
        for name, service in SERVICES.items()
        for mount in service.get("volumes", ())
        if name != "read" and not mount.endswith(":ro")
    }
    assert {name for name, _ in written} == {"redis", "api", "prometheus", "grafana"}
    assert {volume for _, volume in written} == COMPOSE["volumes"].keys()


def test_nobody_is_root() -> None:
    assert SERVICES["redis"]["user"] == "redis"
    for target in ("api", "worker", "read"):
        lines = stages()[target]
        users = [line.split()[1] for line in lines if line.startswith("USER ")]
        assert users[-1:] == ["inkqueue"]
        assert f"--uid {10001}" in "\n".join(lines)
        after = lines[max(n for n, line in enumerate(lines) if line.startswith("USER ")) :]
        assert not [line for line in after if line.startswith(("RUN", "ADD"))]
        assert not [line for line in lines if line.startswith("COPY") and "--chown" in line]
    assert {SERVICES[name]["build"]["target"] for name in OURS} == {"api", "worker"}


def test_redis_is_for_the_containers_only() -> None:
    redis = SERVICES["redis"]
    assert "ports" not in redis
    assert redis["networks"] == ["ledger"]
    assert COMPOSE["networks"]["ledger"]["internal"] is True
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api", "prometheus", "grafana"}
    for ports in published.values():
        assert all(port.startswith(("127.0.0.1:", "${INKQUEUE_BIND:-127.0.0.1}:")) for port in ports)


@pytest.mark.parametrize("password", ["", "sesame"])
def test_the_password_of_redis_is_in_no_command_line(password: str, tmp_path: Path) -> None:
    def filled(words: list[str]) -> list[str]:
        plain = [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", word) for word in words]
        return [word.replace("$$", "$") for word in plain]

    server, port = Path(find_server()), free_port()
    environment = os.environ | {
        "PATH": f"{server.parent}:{os.environ['PATH']}",
        "INKQUEUE_REDIS_PASSWORD": password,
    }
    command = [*filled(SERVICES["redis"]["command"]), "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, password=password or None) as client:
            until(lambda: answers(client))
            assert client.config_get("appendfsync") == {"appendfsync": "always"}
        with redis.Redis(port=port) as stranger:
            assert answers(stranger) is (not password)
        assert "sesame" not in " ".join(psutil.Process(process.pid).cmdline())
        check = filled(SERVICES["redis"]["healthcheck"]["test"])[1]
        if (server.parent / "redis-cli").exists():
            looked = subprocess.run(
                ["/bin/sh", "-c", check.replace("redis-cli", f"redis-cli -p {port}")], env=environment
            )
            assert looked.returncode == 0
    finally:
        end_process(process)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_workers_reach_nothing_but_redis() -> None:
    assert SERVICES["worker"]["networks"] == ["ledger"]
    assert "outside" not in SERVICES["api"]["networks"]
    assert [name for name in OURS if "outside" in SERVICES[name]["networks"]] == ["sender"]


def test_a_decoder_needs_only_what_every_image_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]  # the gateway has a decoder, too, for previews
    names = [re.split(r"[\[>=]", each)[0] for each in (*extras["engine"], *extras["gateway"])]
    lacking = f"import sys; sys.modules |= dict.fromkeys({[name.replace('-', '_') for name in names]})"
    subprocess.run([sys.executable, "-c", f"{lacking}; import worker.decoding.__main__"], check=True)


def test_a_folder_is_read_without_network_and_only_read() -> None:
    assert SERVICES["read"]["network_mode"] == "none"
    (mount,) = SERVICES["read"]["volumes"]
    assert mount["read_only"] is True


def test_a_folder_to_read_is_no_named_volume_whatever_it_is_called() -> None:
    (mount,) = SERVICES["read"]["volumes"]  # in the short form, `scans` and `data` would be
    assert (mount["type"], mount["source"]) == ("bind", "${INKQUEUE_FOLDER:-.}")


def test_no_secret_is_built_in() -> None:
    assert not re.search(r"(?i)(ENV|ARG)\s+\S*(key|secret|password|token)", DOCKERFILE)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("KEYS|PASSWORD|SECRET|TOKEN", name):
                assert value is None or re.fullmatch(r"\$\{\w+:-\}", value), name


def test_images_are_made_of_what_is_shipped() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == {
        "README.md",
        "constraints.txt",
        "pyproject.toml",
        "api",
        "model",
        "training",
        "worker",
    }
    commands = DOCKERFILE.replace("\\\n", " ").splitlines()
    installs = [line for line in commands if re.search(r"\bpip\b.* install ", line)]
    assert installs
    assert all("-c constraints.txt" in line or "--no-deps" in line for line in installs)
