"""Official files over real HTTP: whole and checked or not at all, and a person is told what to do."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.cli.data import app
from training.sets.catalogue import OFFICIAL_EMNIST, OFFICIAL_MNIST, OWN_EMNIST
from training.sets.data import BadData
from training.sets.fetch import EMNIST, MNIST, OFFICIAL, Official, fetch
from worker.embedded import free_port

from datafiles import labels_of, put
from hosts import Host, running_host
from samples import idx_of, zip_of

FILES = {name: name.encode() * 9000 for name in MNIST.files}
ARCHIVE = zip_of(
    {
        f"gzip/{Path(name).name}.gz": name.encode() * 500
        for known in OFFICIAL_EMNIST
        for name in (known.images, known.labels)
    }
    | {"gzip/emnist-byclass-train-images-idx3-ubyte.gz": b"not wanted"}
)


def md5s(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(data).hexdigest() for name, data in files.items()}


@pytest.fixture
def host() -> Iterator[Host]:
    """A mirror of small files that are called like the official ones."""
    files = {f"/mnist/{name}": data for name, data in FILES.items()}
    with running_host(Host(files | {"/emnist/gzip.zip": ARCHIVE})) as running:
        yield running


@pytest.fixture
def mnist(host: Host) -> Official:
    """MNIST, as if the host's files were the real ones."""
    return replace(MNIST, mirrors=(f"{host.url}mnist/",), files=md5s(FILES))


@pytest.fixture
def emnist(host: Host) -> Official:
    """EMNIST, as if the host's archive were the real one."""
    return replace(EMNIST, mirrors=(f"{host.url}emnist/",), files=md5s({"gzip.zip": ARCHIVE}))


class Seen:
    """What the progress bar would be told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int | None]] = []

    def __call__(self, name: str, done: int, total: int | None) -> None:
        self.told.append((name, done, total))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_file_is_brought_checked_and_told_of(mnist: Official, tmp_path: Path) -> None:
    seen = Seen()
    brought = fetch(mnist, tmp_path, seen)
    assert {path.name for path in brought} == set(FILES)
    assert files_in(tmp_path / "mnist") == FILES
    last = {name: (done, total) for name, done, total in seen.told}
    assert last == {name: (len(data), len(data)) for name, data in FILES.items()}


def test_what_is_there_is_left_as_it_is(mnist: Official, host: Host, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist/t10k-images-idx3-ubyte.gz").write_bytes(b"mine")
    (tmp_path / "mnist/t10k-labels-idx1-ubyte").write_bytes(b"mine, unpacked")
    assert len(fetch(mnist, tmp_path, Seen())) == 2
    assert (tmp_path / "mnist/t10k-images-idx3-ubyte.gz").read_bytes() == b"mine"
    assert len(host.asked) == 2
    assert fetch(mnist, tmp_path, Seen()) == []
    assert len(host.asked) == 2


@pytest.mark.parametrize("place", ["emnist", "emnist/", "emnist/gzip.zip"])
def test_the_archive_is_unpacked_and_removed(
    place: str, emnist: Official, host: Host, tmp_path: Path
) -> None:
    fetch(emnist, tmp_path, Seen(), f"{host.url}{place}")
    assert not emnist.missing(tmp_path)
    assert len(files_in(tmp_path / "emnist")) == 2 * len(OFFICIAL_EMNIST)
    images = tmp_path / f"{OFFICIAL_EMNIST[0].images}.gz"
    assert images.read_bytes() == OFFICIAL_EMNIST[0].images.encode() * 500


def test_an_archive_brought_by_hand_is_used_and_left(
    emnist: Official, host: Host, tmp_path: Path
) -> None:
    (tmp_path / "emnist").mkdir()
    (tmp_path / "emnist/gzip.zip").write_bytes(ARCHIVE)
    fetch(emnist, tmp_path, Seen())
    assert not emnist.missing(tmp_path)
    assert not host.asked
    assert (tmp_path / "emnist/gzip.zip").exists()


def test_a_wrong_archive_brought_by_hand_is_refused(emnist: Official, tmp_path: Path) -> None:
    (tmp_path / "emnist").mkdir()
    (tmp_path / "emnist/gzip.zip").write_bytes(b"<html>")
    with pytest.raises(BadData, match=r"gzip\.zip is not the official file.*remove it"):
        fetch(emnist, tmp_path, Seen())


def test_an_archive_without_the_files_is_refused(host: Host, tmp_path: Path) -> None:
    host.files = {"/emnist/gzip.zip": (other := zip_of({"readme.txt": b"moved"}))}
    emnist = replace(EMNIST, mirrors=(f"{host.url}emnist",), files=md5s({"gzip.zip": other}))
    with pytest.raises(BadData, match="no 'emnist-balanced-train-images-idx3-ubyte"):
        fetch(emnist, tmp_path, Seen())


def test_a_wrong_checksum_leaves_nothing(mnist: Official, host: Host, tmp_path: Path) -> None:
    host.files = dict.fromkeys(host.files, b"<html>moved</html>")
    with pytest.raises(BadData, match=r"its MD5 is .*, wanted"):
        fetch(mnist, tmp_path, Seen())
    assert files_in(tmp_path / "mnist") == {}


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_is_gone_on_with(
    ranges: bool, mnist: Official, host: Host, tmp_path: Path
) -> None:
    host.cuts, host.ranges = 1, ranges
    with pytest.raises(BadData, match="go on where it stopped"):
        fetch(mnist, tmp_path, Seen())
    [(draft, begun)] = files_in(tmp_path / "mnist").items()
    name = draft.removesuffix(".part")
    assert begun == FILES[name][: len(FILES[name]) // 2]
    fetch(mnist, tmp_path, seen := Seen())
    assert seen.told[0][2] == len(FILES[name])
    assert files_in(tmp_path / "mnist") == FILES
    assert host.asked[1] == (f"/mnist/{name}", f"bytes={len(begun)}-")


def test_the_next_mirror_goes_on_where_the_first_broke_off(
    mnist: Official, host: Host, tmp_path: Path
) -> None:
    host.cuts = 1
    fetch(replace(mnist, mirrors=mnist.mirrors * 2), tmp_path, Seen())
    assert files_in(tmp_path / "mnist") == FILES
    assert [wanted for _, wanted in host.asked[:2]] == [
        "",
        f"bytes={len(FILES['train-images-idx3-ubyte.gz']) // 2}-",
    ]


@pytest.mark.parametrize("leftover", ["whole", "too long", "wrong"])
def test_whatever_an_earlier_attempt_left_the_file_is_right(
    leftover: str, mnist: Official, host: Host, tmp_path: Path
) -> None:
    name, right = next(iter(FILES.items()))
    content = {"whole": right, "too long": right + b"?", "wrong": b"?" * 100}[leftover]
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{name}.part").write_bytes(content)
    if leftover != "whole":
        with pytest.raises(BadData, match="MD5"):
            fetch(mnist, tmp_path, Seen())
    fetch(mnist, tmp_path, Seen())
    assert files_in(tmp_path / "mnist") == FILES


def test_a_file_that_is_not_there_is_said_with_address_and_place(
    mnist: Official, host: Host, tmp_path: Path
) -> None:
    with pytest.raises(BadData) as caught:
        fetch(mnist, tmp_path, Seen(), f"{host.url}elsewhere")
    assert f"{host.url}elsewhere/train-images-idx3-ubyte.gz" in str(caught.value)
    assert "404" in str(caught.value)
    assert f"put it at {tmp_path / 'mnist/train-images-idx3-ubyte.gz'}" in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "nonsense", "http://[", "ftp://127.0.0.1/"]
)
def test_where_nobody_answers_it_is_said_what_to_do(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="by hand"):
        fetch(MNIST, tmp_path, Seen(), address.format(port=free_port()))
    assert files_in(tmp_path / "mnist") == {}


def test_a_place_that_cannot_be_written_is_named(mnist: Official, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(BadData, match="data/mnist"):
        fetch(mnist, tmp_path / "data", Seen())


def test_the_command_refuses_files_that_are_not_the_official_ones(host: Host, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["fetch", "mnist", "--data", str(tmp_path), "--url", f"{host.url}mnist"]
    )
    assert done.exit_code == 1
    assert "the file there is not the right one" in done.stderr
    assert "wanted f68b3c2dcbeaaa9fbdd348bbdeb94873" in done.stderr
    assert not list((tmp_path / "mnist").iterdir())


def test_the_command_knows_what_is_there(rng: np.random.Generator, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for known in OFFICIAL_MNIST:
        put(tmp_path / f"{known.images}.gz", idx_of(rng.integers(0, 99, (2, 28, 28), np.uint8)))
        put(tmp_path / known.labels, labels_of(np.array([0, 9], np.uint8)))
    line = ["--data", str(tmp_path), "fetch", "mnist"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "already" in done.stdout
    put(tmp_path / f"{OFFICIAL_MNIST[0].images}.gz", b"")
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 1
    assert "train-images-idx3-ubyte.gz: " in done.stderr
    assert "already" not in done.stdout
    assert CliRunner().invoke(app, ["fetch", "nist"]).exit_code == 2


def test_the_command_tells_of_a_damaged_file_though_it_brought_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mnist").mkdir()
    train, test = OFFICIAL_MNIST
    put(tmp_path / f"{train.images}.gz", b"")
    put(tmp_path / train.labels, labels_of(np.array([0, 9], np.uint8)))
    put(tmp_path / test.images, idx_of(np.zeros((2, 28, 28), np.uint8)))
    name, data = f"{Path(test.labels).name}.gz", gzip.compress(labels_of(np.array([0, 9], np.uint8)))
    with running_host(Host({f"/{name}": data})) as host:
        official = replace(MNIST, mirrors=(host.url,), files=md5s({name: data}))
        monkeypatch.setitem(OFFICIAL, "mnist", official)
        done = CliRunner().invoke(app, ["--data", str(tmp_path), "fetch", "mnist"])
    assert f"{name}: checked and in place" in done.stdout
    assert done.exit_code == 1
    assert "train-images-idx3-ubyte.gz: " in done.stderr


def test_names_of_files_are_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    narrow = CliRunner().invoke(app, ["--data", str(tmp_path)], env={"COLUMNS": "60"}).stdout
    table = narrow.partition("└")[0]
    folded = "".join(line.split("│")[2].strip() for line in table.splitlines() if line.startswith("│"))
    assert "…" not in narrow
    assert all(known.images.split("-images")[0] in folded for known in OWN_EMNIST)


def test_the_official_files_are_those_that_are_read() -> None:
    read = {f"{Path(name).name}.gz" for known in OFFICIAL_MNIST for name in (known.images, known.labels)}
    assert read == set(MNIST.files)
