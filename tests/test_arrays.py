"""Arrays of images: .npy and IDX are read as numpy would, and nothing is evaluated or unpickled."""

import contextlib
import gzip
import io
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import arrays
from api.intake.arrays import BLOCK, read_idx, read_idx_gz, read_npy
from api.problems import Problem

from hostile_files import ZEROS, deflated_array, idx, npy
from samples import idx_of, npy_of

IMAGES = np.random.default_rng(7).integers(0, 256, (3, 28, 28), np.uint8)
PIXELS = IMAGES.tobytes()
U1 = "'|u1'"


def pixels_of_npy(data: bytes) -> bytes:
    return bytes(read_npy(memoryview(data)).data)


def pixels_of_gz(data: bytes, max_ratio: int = 200) -> bytes:
    return b"".join(bytes(block.data) for block in read_idx_gz(memoryview(data), max_ratio))


def saved(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", **options: bool) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


class TestNpy:
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_what_numpy_saves_is_read(self, count: int) -> None:
        assert pixels_of_npy(npy_of(IMAGES[:count])) == IMAGES[:count].tobytes()

    def test_a_single_image_needs_no_third_axis(self) -> None:
        assert pixels_of_npy(npy_of(IMAGES[0])) == IMAGES[0].tobytes()

    @pytest.mark.parametrize("version", [1, 2, 3])
    def test_every_version_of_the_format_is_read(self, version: int) -> None:
        assert pixels_of_npy(npy(U1, "(3, 28, 28)", PIXELS, version=version)) == PIXELS

    @pytest.mark.parametrize(
        ("data", "slug"),
        [
            (saved(np.array([IMAGES, "text"], object), allow_pickle=True), "pickled-array"),
            (npy("'|O'", "(3, 28, 28)", pickle.dumps(IMAGES)), "pickled-array"),
            (saved(IMAGES.astype(np.float32)), "array-invalid"),
            (saved(IMAGES.astype(np.int64)), "array-invalid"),
            (saved(IMAGES.astype(bool)), "array-invalid"),
            (saved(np.zeros(3, [("a", np.uint8), ("b", object)]), allow_pickle=True), "array-invalid"),
            (saved(np.asfortranarray(IMAGES)), "array-invalid"),
            (saved(IMAGES.reshape(3, 784)), "array-invalid"),
            (saved(IMAGES[:, :27]), "array-invalid"),
            (saved(IMAGES[None]), "array-invalid"),
            (saved(IMAGES.reshape(-1)), "array-invalid"),
            (saved(np.uint8(7)), "array-invalid"),
            (npy(U1, "(1000000000, 1000000000)", PIXELS), "array-invalid"),
            (npy(U1, "(1000000000, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, f"({'9' * 3000}, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, "(-1, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, "(1e999, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, "(3.0, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, "__import__('os').abort()", PIXELS), "array-invalid"),
            (npy(U1, "(" * 4000, PIXELS), "array-invalid"),
            (npy("-" * 4000, "(3, 28, 28)", PIXELS), "array-invalid"),
            (npy(U1, "(3, 28, 28)" + " " * 5000, PIXELS), "array-invalid"),
            (npy(U1, "(3, 28, 28)", PIXELS[:-1]), "array-invalid"),
            (npy(U1, "(3, 28, 28)", PIXELS + b"more"), "array-invalid"),
        ],
    )
    def test_another_array_is_refused(self, data: bytes, slug: str) -> None:
        with pytest.raises(Problem) as caught:
            read_npy(memoryview(data))
        assert caught.value.slug == slug

    def test_a_cut_off_file_is_refused_wherever_it_is_cut(self) -> None:
        whole = npy_of(IMAGES)
        for size in range(6, len(whole), 7):
            with pytest.raises(Problem) as caught:
                read_npy(memoryview(whole[:size]))
            assert caught.value.slug == "array-invalid"

    @given(st.binary(max_size=200))
    @settings(max_examples=300, deadline=None)
    def test_no_bytes_do_anything_else(self, data: bytes) -> None:
        with contextlib.suppress(Problem):
            read_npy(memoryview(b"\x93NUMPY" + data))


class TestIdx:
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_images_are_read(self, count: int) -> None:
        data = idx_of(IMAGES[:count], compressed=False)
        assert bytes(read_idx(memoryview(data)).data) == IMAGES[:count].tobytes()

    def test_one_image_may_have_two_axes(self) -> None:
        assert len(read_idx(memoryview(idx(28, 28, pixels=PIXELS[:784])))) == 1
        assert pixels_of_gz(gzip.compress(idx(28, 28, pixels=PIXELS[:784]))) == PIXELS[:784]

    @pytest.mark.parametrize(
        "data",
        [
            idx(2, 28, 28, pixels=PIXELS),
            idx(4, 28, 28, pixels=PIXELS),
            idx(0xFFFFFFFF, 28, 28, pixels=PIXELS),
            idx(3, 28, 27, pixels=PIXELS),
            idx(3, 784, pixels=PIXELS),
            idx(10, pixels=bytes(range(10))),
            idx(3, 28, 28)[:15],
            idx(3, 28, 28)[:4],
        ],
        ids=["fewer", "more", "2^32", "27 wide", "flat", "labels", "header cut", "no header"],
    )
    def test_other_counts_and_shapes_are_refused(self, data: bytes) -> None:
        with pytest.raises(Problem) as caught:
            read_idx(memoryview(data))
        assert caught.value.slug == "array-invalid"
        with pytest.raises(Problem) as caught:
            pixels_of_gz(gzip.compress(data))
        assert caught.value.slug in ("array-invalid", "archive-bomb")


class TestGzip:
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_images_are_read(self, count: int) -> None:
        assert pixels_of_gz(idx_of(IMAGES[:count])) == IMAGES[:count].tobytes()

    def test_a_large_file_comes_in_blocks(self) -> None:
        images = np.random.default_rng(1).integers(0, 3, (2500, 28, 28), np.uint8)
        blocks = [len(block.data) for block in read_idx_gz(memoryview(idx_of(images)), 200)]
        assert blocks == [BLOCK, BLOCK, 452 * 784]
        assert pixels_of_gz(idx_of(images)) == images.tobytes()

    def test_how_well_it_may_compress_is_limited_where_it_becomes_large(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blank = idx_of(np.zeros((3000, 28, 28), np.uint8))
        assert len(pixels_of_gz(blank)) == 3000 * 784 > 200 * len(blank)
        monkeypatch.setattr(arrays, "HARMLESS", 0)
        assert len(pixels_of_gz(blank, max_ratio=2000)) == 3000 * 784
        with pytest.raises(Problem) as caught:
            pixels_of_gz(blank)
        assert caught.value.slug == "archive-bomb"

    @pytest.mark.parametrize(
        ("data", "slug"),
        [
            (gzip.compress(b"text"), "unsupported-media-type"),
            (gzip.compress(b""), "unsupported-media-type"),
            (gzip.compress(npy_of(IMAGES)), "unsupported-media-type"),
            (idx_of(IMAGES)[:-9], "archive-invalid"),
            (idx_of(IMAGES)[:-1], "archive-invalid"),
            (idx_of(IMAGES)[:20], "archive-invalid"),
            (idx_of(IMAGES)[:2], "archive-invalid"),
            (b"\x1f\x8b" + b"\xff" * 50, "archive-invalid"),
            (idx_of(IMAGES)[:-8] + bytes(8), "archive-invalid"),
        ],
        ids=["text", "empty", "npy", "cut", "a byte short", "cut early", "magic", "damaged", "checksum"],
    )
    def test_damage_is_told_from_another_content(self, data: bytes, slug: str) -> None:
        with pytest.raises(Problem) as caught:
            pixels_of_gz(data)
        assert caught.value.slug == slug

    @pytest.mark.parametrize(
        ("images", "slug"),
        [(1_000_000, "archive-bomb"), (1, "array-invalid"), (1 << 31, "archive-bomb")],
    )
    def test_a_bomb_costs_neither_time_nor_memory(self, images: int, slug: str) -> None:
        data = deflated_array(images, 1000)
        start = time.process_time()
        tracemalloc.start()
        with pytest.raises(Problem) as caught:
            pixels_of_gz(data)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert caught.value.slug == slug
        assert most < 8 * ZEROS
        assert time.process_time() - start < 0.5

    @given(st.data())
    @settings(max_examples=200, deadline=None)
    def test_damage_anywhere_is_a_problem_or_harmless(self, data: st.DataObject) -> None:
        broken = bytearray(idx_of(IMAGES))
        at = data.draw(st.integers(2, len(broken) - 1))
        broken[at : at + 2] = data.draw(st.binary(max_size=3))
        with contextlib.suppress(Problem):
            pixels_of_gz(bytes(broken))
