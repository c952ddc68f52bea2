"""API keys: how they are written down, what each is good for, and how one follows another."""

import logging
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.app import create_app
from api.auth.credentials import SCOPES, BadKeys, Credential, digest, read_credentials, read_until
from api.auth.keyfile import add_key, change_key
from api.auth.keyring import Keyring
from api.cli import app
from api.settings import GatewaySettings

from routes import probes
from services import Services, lone_gateway, new_key
from waiting import until

NOW = datetime.now(UTC)
Run = Callable[..., Result]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(path: Path) -> Run:
    """`inkqueue keys`, with this file."""

    def run(*words: str, file: str = str(path)) -> Result:
        done = CliRunner().invoke(app, ["keys", *words], env={"INKQUEUE_API_KEYS_FILE": file or None})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


def keyring(path: Path) -> Keyring:
    return Keyring(GatewaySettings(api_keys_file=path))


def look_again(ring: Keyring) -> None:
    ring._look_at = 0.0


class TestLines:
    def test_old_lines_open_everything_and_are_their_own_owner(self) -> None:
        text = f"abcdefgh:{'0' * 64} 12345678:{'1' * 64}"
        first, second = read_credentials(text, "here").values()
        assert (first.id, first.owner, first.until) == ("abcdefgh", "abcdefgh", None)
        assert second.scopes == frozenset(SCOPES)

    def test_what_is_written_is_read(self) -> None:
        for known in (
            Credential.new("")[1],
            Credential.new("acme", scopes=frozenset({"read", "submit"}))[1],
            Credential.new("acme", until=datetime(2027, 1, 31, 12, tzinfo=UTC))[1],
        ):
            assert read_credentials(known.line(), "here") == {known.id: known}

    def test_a_moment_is_of_utc_unless_it_says_otherwise(self) -> None:
        for text in ("2027-01-31T12:00:00", "2027-01-31T12:00:00Z", "2027-01-31T14:00:00+02:00"):
            until = read_until(text)
            assert until == datetime(2027, 1, 31, 12, tzinfo=UTC)
            assert Credential("", "", "", until=until).line().endswith("until=2027-01-31T12:00:00Z")

    def test_a_day_is_over_when_it_is_over(self) -> None:
        (known,) = read_credentials(f"abcdefgh:{'0' * 64} until=2027-01-31", "here").values()
        assert known.live(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC))
        assert not known.live(datetime(2027, 2, 1, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("s3cret", "not ID:SHA256"),
            ("s3cret=s3cret", "not ID:SHA256"),
            (f"abcdefgh:{'s3cret' * 10}", "not ID:SHA256"),
            (f"abcdefgh:{'0' * 64} s3cret=1", "unknown field; there are owner"),
            (f"abcdefgh:{'0' * 64} s3cret", "not ID:SHA256"),
            (f"abcdefgh:{'0' * 64} scopes=s3cret", "scopes are submit"),
            (f"abcdefgh:{'0' * 64} scopes=", "scopes are submit"),
            (f"abcdefgh:{'0' * 64} scopes=read,s3cret", "scopes are submit"),
            (f"abcdefgh:{'0' * 64} owner=s3/cret", "an owner has"),
            (f"abcdefgh:{'0' * 64} owner=", "an owner has"),
            (f"abcdefgh:{'0' * 64} until=s3cret", "write 2027-01-31"),
            (f"abcdefgh:{'0' * 64}\nabcdefgh:{'1' * 64}", "twice"),
            (f"abcdefgh:{'0' * 64}\nowner=acme", "not ID:SHA256"),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_not_shown(self, text: str, why: str) -> None:
        with pytest.raises(BadKeys, match=why) as error:
            read_credentials(f"# of {text.splitlines()[0][:0]}\n{text}", "the file")
        assert str(error.value).startswith(f"the file, line {1 + len(text.splitlines())}: ")
        assert "s3cret" not in str(error.value).lower()

    def test_an_owner_can_not_reach_into_the_names_of_others(self) -> None:
        for owner in ("a/b", "a:b", "a#b", "A", "a b", "*", "a" * 33, ""):
            with pytest.raises(BadKeys):
                read_credentials(f"abcdefgh:{'0' * 64} owner={owner}", "here")


class TestRing:
    def test_a_change_of_the_file_is_followed(self, path: Path) -> None:
        (key, line), (other, other_line) = new_key("acme"), new_key("acme")
        path.write_text(line)
        ring = keyring(path)
        assert ring.find(key)
        assert not ring.find(other)
        path.write_text(f"# two of them\n{line}\n{other_line} scopes=read\n")
        look_again(ring)
        found = ring.find(other)
        assert found is not None
        assert (found.owner, found.scopes) == ("acme", {"read"})
        path.write_text(other_line)
        look_again(ring)
        assert not ring.find(key)

    def test_a_file_that_is_as_it_was_is_not_told_of(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        path.write_text(new_key()[1])
        ring = keyring(path)
        for text, told in (
            (path.read_text(), 0),
            (new_key()[1], 1),
            ("broken", 2),
            ("", 3),
            ("broken", 4),
        ):
            path.write_text(text)
            for _ in range(2):
                look_again(ring)
                ring.find("")
                assert len(caplog.records) == told

    def test_it_is_looked_at_once_a_second_at_most(self, path: Path) -> None:
        (key, line), (other, other_line) = new_key(), new_key()
        path.write_text(line)
        ring = keyring(path)
        path.write_text(other_line)
        assert ring.find(key)
        ring._look_at -= 1.0
        assert not ring.find(key)
        assert ring.find(other)

    @pytest.mark.parametrize("fault", ["nonsense", "missing", "binary", "a folder"])
    def test_a_broken_file_changes_nothing_and_is_loud(
        self, path: Path, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        key, line = new_key()
        path.write_text(line)
        ring = keyring(path)
        path.unlink()
        match fault:
            case "nonsense":
                path.write_text(f"{line}\ns3cret")
            case "binary":
                path.write_bytes(b"\xff\xfe")
            case "a folder":
                path.mkdir()
        for _ in range(3):
            look_again(ring)
            assert ring.find(key)
        (said,) = caplog.records  # once a minute
        assert (said.levelno, vars(said)["event"]) == (logging.ERROR, "keys.broken")
        assert str(path) in said.getMessage()
        assert "s3cret" not in said.getMessage()
        with suppress(OSError):
            path.rmdir()
        path.write_text("")
        look_again(ring)
        assert not ring.find(key)

    def test_an_emptied_file_lets_nobody_in_rather_than_everybody(self, path: Path) -> None:
        path.write_text("")
        ring = keyring(path)
        assert ring
        assert ring.find("") is None

    def test_a_byte_order_mark_is_no_part_of_a_key(self, path: Path) -> None:
        key, line = new_key()
        path.write_text(line, "utf-8-sig")
        assert keyring(path).find(key)

    def test_a_gateway_does_not_start_without_its_file(self, path: Path) -> None:
        with pytest.raises(BadKeys, match="No such file"):
            create_app(GatewaySettings(api_keys_file=path))

    def test_a_pipe_is_no_file_of_keys_and_not_waited_for(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        with pytest.raises(BadKeys, match="no regular file"):
            keyring(path)

    def test_a_file_that_cannot_be_looked_at_is_said_to_be_so(self, path: Path) -> None:
        with pytest.raises(BadKeys, match="File name too long"):
            keyring(path.with_name("x" * 300))

    def test_what_stands_twice_is_refused(self, path: Path) -> None:
        _, line = new_key()
        path.write_text(line)
        with pytest.raises(BadKeys, match="INKQUEUE_API_KEYS, too"):
            Keyring(GatewaySettings(api_keys_file=path, api_keys=line))

    def test_a_key_is_over_at_its_time(self) -> None:
        key, line = new_key(until=NOW + timedelta(days=1))
        over, over_line = new_key(until=NOW - timedelta(seconds=2))
        ring = Keyring(GatewaySettings(api_keys=f"{line} {over_line}"))
        assert ring.find(key)
        assert ring.find(over) is None


class TestFile:
    def test_what_others_wrote_stays(self, path: Path) -> None:
        one, two, three = (Credential.new("")[1] for _ in range(3))
        path.write_text(f"# ours\n{one.line()} {two.line()}  # both of acme\n")
        path.chmod(0o640)
        add_key(path, three)
        change_key(path, one.id, lambda _: ())
        wanted = f"# ours\n# both of acme\n{two.line()}\n{three.line()}\n"
        assert path.read_text() == wanted
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert os.listdir(path.parent) == ["keys"]

    @pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe"])
    def test_a_broken_file_is_not_touched(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        with pytest.raises(BadKeys):
            add_key(path, Credential.new("")[1], lambda: pytest.fail("a key is shown in vain"))
        assert path.read_bytes() == content

    def test_a_full_disk_leaves_the_file_as_it_was_and_nothing_else(self, path: Path) -> None:
        path.write_text(before := f"{Credential.new('')[1].line()}\n")
        _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                add_key(path, Credential.new("")[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_text() == before
        assert os.listdir(path.parent) == ["keys"]

    def test_what_would_break_the_file_is_not_written(self, path: Path) -> None:
        known = Credential.new("")[1]
        add_key(path, known)
        with pytest.raises(BadKeys, match="twice"):
            add_key(path, known)
        assert path.read_text() == f"{known.line()}\n"

    def test_many_editors_lose_nothing_and_readers_see_whole_files(self, path: Path) -> None:
        made = [Credential.new("acme")[1] for _ in range(40)]
        writers = [
            threading.Thread(target=lambda part=part: [add_key(path, key) for key in part])
            for part in (made[::2], made[1::2])
        ]
        for writer in writers:
            writer.start()
        seen = 0
        while any(writer.is_alive() for writer in writers):
            if path.exists():
                now = len(read_credentials(path.read_text(), "here"))
                assert now >= seen
                seen = now
        assert read_credentials(path.read_text(), "here") == {key.id: key for key in made}


class TestCommand:
    def test_a_life_of_keys(self, keys: Run, path: Path) -> None:
        made = keys("make", "--owner", "acme", "--scopes", "submit,read", "--until", "2099-01-31")
        old = made.stdout.strip().removeprefix("INKQUEUE_API_KEY=")
        assert old not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        ring = keyring(path)
        turned = keys("rotate", old[4:12], "--overlap", "3600")
        new = turned.stdout.strip().removeprefix("INKQUEUE_API_KEY=")
        look_again(ring)
        first, second = ring.find(old), ring.find(new)
        assert first is not None
        assert second is not None
        assert first.owner == second.owner == "acme"
        assert first.scopes == second.scopes == {"submit", "read"}
        assert first.until is not None
        assert timedelta(minutes=50) < first.until - datetime.now(UTC) <= timedelta(hours=1)
        assert second.until == datetime(2099, 1, 31, 23, 59, 59, tzinfo=UTC)
        head, *rows = keys("list").stdout.splitlines()
        assert head.split() == ["key", "owner", "scopes", "until", "state"]
        assert [row.split()[:3] for row in rows] == [
            [old[4:12], "acme", "submit,read"],
            [new[4:12], "acme", "submit,read"],
        ]
        assert keys("revoke", old[4:12]).exit_code == 0
        look_again(ring)
        assert not ring.find(old)
        assert ring.find(new)
        for answer in (made, turned, keys("list")):
            assert digest(new) not in answer.stdout + answer.stderr

    @pytest.mark.parametrize("ends_in", [timedelta(minutes=30), timedelta(minutes=-30)])
    def test_a_key_that_ends_within_the_overlap_is_not_made_endless(
        self, keys: Run, path: Path, ends_in: timedelta
    ) -> None:
        until = datetime.now(UTC) + ends_in
        _, known = Credential.new("", until=until)
        add_key(path, known)
        before, key_id = path.read_text(), known.id
        answer = keys("rotate", key_id, "--overlap", "3600")
        assert answer.exit_code == 1
        assert "with --until" in " ".join(answer.stderr.split())
        assert path.read_text() == before
        assert keys("rotate", key_id, "--overlap", "3600", "--until", "2099-01-31").exit_code == 0
        assert f"{until:%Y-%m-%dT%H:%M:%SZ}" in path.read_text()
        assert "until=2099-01-31" in path.read_text()

    @pytest.mark.parametrize(
        ("words", "code", "reason"),
        [
            (["rotate", "abcdefgh"], 1, "has no key abcdefgh"),
            (["revoke", "abcdefgh"], 1, "has no key abcdefgh"),
            (["make", "--owner", "A/B"], 2, "an owner has up to 32"),
            (["make", "--until", "tomorrow"], 2, "write 2027-01-31"),
            (["make", "--until", "2020-01-01"], 2, "2020-01-01 is past"),
            (["rotate", "abcdefgh", "--until", "2020-01-01T12:00:00Z"], 2, "is past"),
            (["make", "--file", "nowhere/keys"], 1, "nowhere: No such file"),
            (["list", "--file", "nowhere/keys"], 1, "nowhere/keys: No such file"),
        ],
    )
    def test_refusals_say_why(self, keys: Run, words: list[str], code: int, reason: str) -> None:
        answer = keys(*words)
        assert answer.exit_code == code
        assert reason in " ".join(answer.stderr.split())


@pytest.mark.parametrize("command", ["make", "rotate"])
def test_a_key_that_cannot_be_shown_is_not_stored(keys: Run, path: Path, command: str) -> None:
    keys("make")
    before = path.read_text()
    words = [command, "--file", str(path), *([before[:8]] if command == "rotate" else [])]
    shell = ["/bin/sh", "-c", '"$@" >/dev/full', "sh", sys.executable, "-m", "api.cli", "keys", *words]
    done = subprocess.run(shell, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")
    assert path.read_text() == before


def test_the_file_may_be_named_before_the_command(keys: Run, path: Path) -> None:
    keys("--file", str(path), "make", "--owner", "al", file="")
    assert "al" in keys("--file", str(path), "list", file="").stdout
    assert "al" in path.read_text()


def test_keys_of_both_places_are_listed_and_whether_they_are_valid(path: Path) -> None:
    path.write_text(new_key("al", until=NOW - timedelta(days=1))[1])
    environment = {"INKQUEUE_API_KEYS": new_key("bo")[1]}
    done = CliRunner().invoke(app, ["keys", "list", "--file", str(path)], env=environment)
    _, *rows = (line.split() for line in done.stdout.splitlines())
    assert [(row[1], row[-1]) for row in rows] == [("bo", "valid"), ("al", "expired")]


def test_keys_of_the_environment_are_not_rotated(keys: Run) -> None:
    answer = keys("rotate", "abcdefgh", file="")
    assert answer.exit_code == 1
    assert "name the file of keys" in answer.stderr


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Path]]:
    """A gateway with a file of keys, and the file."""
    folder = tmp_path_factory.mktemp("keyed")
    path = folder / "keys"
    path.write_text("")
    with lone_gateway(folder / "stack", INKQUEUE_API_KEYS_FILE=str(path)) as running:
        yield running, path


def caller(services: Services, key: str) -> httpx.Client:
    return httpx.Client(base_url=services.url, headers={"Authorization": f"Bearer {key}"})


def ask(services: Services, key: str) -> httpx.Response:
    with caller(services, key) as http:
        return http.get("/v1/jobs")


def test_every_route_wants_its_scope_and_only_that(gateway: tuple[Services, Path]) -> None:
    services, path = gateway
    made = {scope: Credential.new("acme", scopes=frozenset({scope})) for scope in SCOPES}
    for _, known in made.values():
        add_key(path, known)
    until(lambda: all(ask(services, key).status_code != 401 for key, _ in made.values()))
    asked = [probe for probe in probes("job_none", "wh_" + "0" * 32, "msg_" + "0" * 40) if probe.scope]
    assert {probe.scope for probe in asked} == SCOPES.keys() | {"any"}
    for scope, (key, _) in made.items():
        with caller(services, key) as http:
            for probe in asked:
                answer = probe.send(http)
                if probe.scope in (scope, "any"):
                    assert answer.status_code not in (401, 403), (probe, scope)
                else:
                    require_scope_refused(answer, probe.scope)
                    unknown = http.request(probe.method, f"{probe.path.partition('?')[0]}?limt=1")
                    require_scope_refused(unknown, probe.scope)


def require_scope_refused(answer: httpx.Response, scope: str) -> None:
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "/problems/insufficient-scope"
    assert answer.json()["scope"] == scope
    wanted = f'Bearer error="insufficient_scope", scope="{scope}"'
    assert answer.headers["www-authenticate"] == wanted


def test_keys_turn_over_while_the_gateway_runs(gateway: tuple[Services, Path], keys: Run) -> None:
    services, path = gateway
    old = keys("make", "--owner", "acme", "--file", str(path)).stdout.strip().partition("=")[2]
    until(lambda: ask(services, old).status_code == 200)
    overlap = datetime.now(UTC) + timedelta(seconds=3)  # whole seconds are written
    turned = keys("rotate", old[4:12], "--overlap", "4", "--file", str(path))
    new = turned.stdout.strip().partition("=")[2]
    until(lambda: ask(services, new).status_code == 200)
    assert ask(services, old).status_code == 200 or datetime.now(UTC) > overlap
    until(lambda: ask(services, old).status_code == 401)
    over, unknown = ask(services, old), ask(services, new_key()[0])
    assert over.status_code == unknown.status_code == 401
    assert over.text == unknown.text
    path.write_text("broken")
    time.sleep(1.1)
    assert ask(services, new).status_code == 200
