"""The official files of MNIST and EMNIST: where they are, their checksums, how they are fetched."""

import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .catalogue import OFFICIAL_EMNIST, OFFICIAL_MNIST, Known
from .data import BadData
from .download import DownloadFailed, download, md5_of

Watch = Callable[[str, int, int | None], None]
"""Called with the name of a file, the bytes received so far and, if the server says, their total."""


@dataclass(frozen=True)
class Official:
    """A data set as it is published: `files` (name: MD5) below each of `mirrors`.

    If it is `packed`, there is one file, a ZIP of the files of its sets.
    """

    name: str
    sets: tuple[Known, ...]
    mirrors: tuple[str, ...]
    files: Mapping[str, str]
    packed: bool = False

    def missing(self, root: Path) -> list[Path]:
        """The files of its sets that are not in `root`."""
        return [root / f"{name}.gz" for known in self.sets for name in known.missing(root)]


# Addresses and checksums as in torchvision (datasets/mnist.py); the second mirror is TensorFlow's.
MNIST = Official(
    "mnist",
    OFFICIAL_MNIST,
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
EMNIST = Official(
    "emnist",
    OFFICIAL_EMNIST,
    ("https://biometrics.nist.gov/cs_links/EMNIST/",),
    {"gzip.zip": "58c8d27c78d21e728a6bc7b3cc06412e"},
    packed=True,
)

OFFICIAL = {each.name: each for each in (MNIST, EMNIST)}


def fetch(official: Official, root: Path, watch: Watch, mirror: str = "") -> list[Path]:
    """Download the missing files to `root`/NAME, check them, and return their paths.

    Files that are there are left as they are. `mirror` takes the place of the official ones. Raises
    BadData, which says what to do by hand.
    """
    missing, mirrors = official.missing(root), (mirror,) if mirror else official.mirrors
    if not missing:
        return []
    try:
        (root / official.name).mkdir(parents=True, exist_ok=True)
        if official.packed:
            _bring_packed(official, root, mirrors, watch)
        else:
            for path in missing:
                _bring(path, official.files[path.name], mirrors, watch)
    except OSError as error:
        raise BadData(f"{root / official.name}: {error}") from error
    return missing


def _bring_packed(official: Official, root: Path, mirrors: Sequence[str], watch: Watch) -> None:
    """Unpack the archive; one that a person put there is left, one that was downloaded is removed."""
    [(name, md5)] = official.files.items()
    archive = root / official.name / name
    by_hand = archive.exists()
    if not by_hand:
        _bring(archive, md5, mirrors, watch)
    elif (found := md5_of(archive)) != md5:
        raise BadData(f"{archive} is not the official file: its MD5 is {found}, wanted {md5}; remove it")
    unpack(archive, official.missing(root))
    if not by_hand:
        archive.unlink()


def _bring(path: Path, md5: str, mirrors: Sequence[str], watch: Watch) -> None:
    failures = []
    for mirror in mirrors:
        url = mirror if mirror.endswith(path.name) else f"{mirror.rstrip('/')}/{path.name}"
        try:
            return download(url, path, md5, partial(watch, path.name))
        except DownloadFailed as error:
            failures.append(f"{url}: {error}")
    raise BadData(
        f"{path.name} could not be fetched ({'; '.join(failures)}). Give the command again to go on "
        f"where it stopped, or name another mirror with --url; or download the file by hand, put it at "
        f"{path}, and give the command again"
    )


def unpack(archive: Path, wanted: Sequence[Path]) -> None:
    """Write the files `wanted` from the members of a ZIP that have their names. Raises BadData."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = {Path(name).name: name for name in content.namelist()}
            for path in wanted:
                draft = path.with_name(f"{path.name}.part")
                with content.open(members[path.name]) as packed, draft.open("wb") as file:
                    shutil.copyfileobj(packed, file)
                draft.replace(path)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BadData(f"{archive}: {error}") from error
    except KeyError as error:
        raise BadData(f"{archive}: there is no {error} in it") from error
