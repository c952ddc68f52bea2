"""Which files a person means by paths: nothing under them is left out in silence."""

import os
import tempfile
from pathlib import Path

import pytest

from model.folders import NoImages, find_images


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    for name in ("b/2.png", "a.JPG", "b/1.tif", "b/notes.txt", "b/.hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert find_images([tmp_path]) == [tmp_path / name for name in ("a.JPG", "b/1.tif", "b/2.png")]
    assert find_images([tmp_path], recursive=False) == [tmp_path / "a.JPG"]


def test_paths_that_overlap_mean_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("a.png", "b/1.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "c.png").symlink_to("a.png")  # another name is another image
    given = [tmp_path / "b", tmp_path / "b" / ".." / "b" / "1.png", tmp_path]
    assert find_images(given) == [tmp_path / name for name in ("b/1.png", "a.png", "c.png")]


def test_images_of_formats_that_are_not_read_are_not_left_out(tmp_path: Path) -> None:
    for name in ("a.HEIC", "b.gif", "c.avif", "d.jfif", "e.csv", ".f.heic"):
        (tmp_path / name).write_bytes(b"x")
    assert [each.name for each in find_images([tmp_path])] == ["a.HEIC", "b.gif", "c.avif", "d.jfif"]


def test_a_folder_that_cannot_be_read_is_not_left_out() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a.png").write_bytes(b"x")
        (folder / "closed").mkdir(mode=0)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)  # root may read everything
        try:
            with pytest.raises(NoImages, match="closed: Permission denied"):
                find_images([folder])
        finally:
            os.seteuid(before)
            (folder / "closed").chmod(0o700)
