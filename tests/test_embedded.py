"""The embedded Redis starts on whatever its folder holds and is called, or says why it does not."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from worker import embedded
from worker.connections.safety import OLDEST
from worker.embedded import EmbeddedRedis, NoRedis, find_server, version

from services import running_redis


def journal(folder: Path, *commands: str) -> None:
    """A journal of these commands."""
    words = [command.split() for command in commands]
    lines = [
        [f"*{len(each)}", *(line for word in each for line in (f"${len(word)}", word))] for each in words
    ]
    folder.mkdir()
    text = "".join(f"{line}\r\n" for each in lines for line in each)
    (folder / "appendonly.aof").write_bytes(text.encode())


def test_a_journal_that_takes_long_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal(tmp_path / "data", "SET a b", "DEBUG SLEEP 3")
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(embedded, "SLOW_S", 0.5)
    monkeypatch.setattr(embedded, "START_S", 2.0)
    monkeypatch.setattr(embedded, "ANSWER_S", 0.2)
    with running_redis(tmp_path / "data") as url, redis.Redis.from_url(url) as client:
        assert client.get("a") == b"b"
    assert [each.message for each in caplog.records] == ["redis-server is reading its journal"]


def test_who_gives_up_waits_no_longer(tmp_path: Path) -> None:
    journal(tmp_path / "data", "SET a b", "DEBUG SLEEP 60")
    server = EmbeddedRedis(tmp_path / "data")
    process = subprocess.Popen(server.command())
    began = time.monotonic()
    try:
        server.wait_ready(process, lambda: time.monotonic() > began + 0.5)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        server.close()
    assert time.monotonic() < began + 10


def test_what_a_later_redis_wrote_is_not_taken_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "appendonlydir").mkdir(parents=True)
    older = server_on_the_path(tmp_path, "6.2.14", monkeypatch)
    server = EmbeddedRedis(tmp_path / "data")
    with pytest.raises(NoRedis, match="was written by Redis 7 or later"):
        server.command()
    assert server_on_the_path(tmp_path, "7.0.0", monkeypatch) == older
    assert server.command()[0] == str(older)
    server.close()


def server_on_the_path(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A redis-server that does nothing but say its version, before any other on the PATH."""
    server = folder / "redis-server"
    server.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    server.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return server


def test_a_server_that_is_too_old_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server_on_the_path(tmp_path, "6.0.16", monkeypatch)
    carried = tmp_path / "bin" / "redis-server"
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(embedded, "find_spec", lambda _: package)
    with pytest.raises(NoRedis, match=r"redis-server is too old: install 6\.2 or later"):
        find_server()
    carried.parent.mkdir()
    carried.touch()
    assert find_server() == str(carried)
    server_on_the_path(tmp_path, "6.2.0", monkeypatch)
    assert find_server() == str(old)


def test_the_version_of_a_server_is_known() -> None:
    assert version(find_server()) >= OLDEST
    assert version("/bin/true") == ()


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" \\ name'
    with running_redis(folder) as url, redis.Redis.from_url(url) as client:
        client.set("a", "b")
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        assert client.config_get("save") == {"save": ""}
    assert (folder / "appendonly.aof").exists() or (folder / "appendonlydir").exists()


def test_nobody_else_reads_its_password(tmp_path: Path) -> None:
    config = tmp_path / "redis.conf"
    config.write_text("of an older version, or from a backup")
    config.chmod(0o644)
    server = EmbeddedRedis(tmp_path)
    server.command()
    assert config.stat().st_mode & 0o077 == 0
    server.close()
    server = EmbeddedRedis(tmp_path / "new")
    assert server.folder.stat().st_mode & 0o077 == 0
    server.close()


def test_nobody_else_reads_a_journal_that_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    journal(data, "SET a b")
    (data / "appendonlydir").mkdir()
    (data / "appendonly.aof").chmod(0o644)
    (data / "appendonlydir").chmod(0o755)
    server_on_the_path(tmp_path, "7.0.0", monkeypatch)
    server = EmbeddedRedis(data)
    server.command()
    assert [path.stat().st_mode & 0o077 for path in data.glob("appendonly*")] == [0, 0]
    server.close()


def test_the_lock_is_no_standard_stream(tmp_path: Path) -> None:
    code = f"""if True:
        from pathlib import Path
        from worker.embedded import EmbeddedRedis
        raise SystemExit(EmbeddedRedis(Path({str(tmp_path)!r})).lock < 3)"""
    command = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(command).returncode == 0
