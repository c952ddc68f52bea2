"""TIFFs of many pages: each page becomes an image that costs what an image costs."""

import contextlib
import io
import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from api.intake.tiffs import read_tiff
from api.problems import Problem
from api.settings import MIB, GatewaySettings
from model.files.images import BadImage, decode
from model.files.tiffs import directories

from hostile_files import (
    Pixels,
    tiff_loop,
    tiff_of_shared_directories,
    tiff_of_shared_strips,
    tiff_of_shared_values,
)
from samples import drawings, tiff_of

DRAWINGS = drawings(5, np.random.default_rng(7))
WHOLE = tiff_of(DRAWINGS)


def pages(data: bytes, most: int = 100, largest: int = 16 * MIB) -> dict[str, bytes]:
    limits = GatewaySettings(max_tiff_pages=most, max_image_bytes=largest)
    return dict(read_tiff(memoryview(data), limits))


def refusal(data: bytes, most: int = 100) -> str:
    with pytest.raises(Problem) as caught:
        pages(data, most)
    return caught.value.slug


def fails(data: bytes) -> bool:
    """Whether the last page, or the only one, cannot be read."""
    *_, last = pages(data).values()
    with contextlib.suppress(BadImage):
        decode(last)
        return False
    return True


def many_pages(images: Sequence[Pixels], mode: str | None = None, **options: Any) -> bytes:
    opened = map(Image.fromarray, images)
    first, *rest = (each.convert(mode) if mode else each for each in opened)
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=rest, **options)
    return out.getvalue()


class TestPages:
    def test_every_page_is_an_image_of_its_own(self) -> None:
        found = pages(WHOLE)
        assert list(found) == ["#1", "#2", "#3", "#4", "#5"]
        for page, drawing in zip(found.values(), DRAWINGS, strict=True):
            assert np.array_equal(decode(page), drawing)
            assert len(page) < drawing.size + 500

    def test_one_page_is_the_file_itself(self) -> None:
        single = tiff_of(DRAWINGS[:1])
        assert pages(single) == {"": single}

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "I;16", "F"])
    @pytest.mark.parametrize("how", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
    def test_pages_of_every_kind_decode_as_they_did_alone(self, mode: str, how: str | None) -> None:
        whole = many_pages(DRAWINGS, mode, compression=how)
        for page, drawing in zip(pages(whole).values(), DRAWINGS, strict=True):
            alone = many_pages([drawing], mode, compression=how)
            assert np.array_equal(decode(page), decode(alone))

    @pytest.mark.parametrize(("mode", "how"), [("1", "group4"), ("RGB", "jpeg"), ("L", "jpeg")])
    def test_pages_of_scanners_do_too(self, mode: str, how: str) -> None:
        self.test_pages_of_every_kind_decode_as_they_did_alone(mode, how)

    def test_motorola_order_is_read(self) -> None:
        whole = many_pages([(each.astype(np.uint16) << 8).astype(">u2") for each in DRAWINGS])
        assert whole.startswith(b"MM")
        for number, page in enumerate(pages(whole).values()):
            assert np.array_equal(decode(page), DRAWINGS[number])

    def test_a_page_that_was_cut_off_fails_alone(self) -> None:
        *others, last = pages(WHOLE[:-1000]).values()
        for page, drawing in zip(others, DRAWINGS[:4], strict=True):
            assert np.array_equal(decode(page), drawing)
        with pytest.raises(BadImage):
            decode(last)

    @pytest.mark.parametrize("length", [None, 1 << 20])
    def test_a_strip_goes_to_the_end_of_the_file_if_nothing_else_is_said(
        self, length: int | None
    ) -> None:
        pixels = DRAWINGS[0]
        height, width = pixels.shape
        said = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height}
        said |= {} if length is None else {279: length}
        start = 8 + 2 + 12 * (len(said) + 1) + 4
        fields = [
            struct.pack("<HHII", tag, 4, 1, each) for tag, each in sorted({273: start, **said}.items())
        ]
        page = struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4)
        (found,) = pages(b"II*\0" + struct.pack("<I", 8) + page + pixels.tobytes()).values()
        assert np.array_equal(decode(found), pixels)

    def test_ten_thousand_pages_take_seconds(self) -> None:
        whole = tiff_of_shared_strips(10_000, 10)
        start = time.thread_time()
        assert len(pages(whole, 10_000)) == 10_000
        assert time.thread_time() - start < 5


class TestLies:
    @pytest.mark.parametrize(
        "data",
        [
            tiff_loop(),
            b"II*\0" + bytes(4),
            b"II*\0",
            b"MM\0*\xff\xff\xff\xff",
            b"II*\0\x08\0\0\0\xff\xff",
            tiff_of_shared_strips(100, 50_000),
            tiff_of_shared_directories(2),
            tiff_of_shared_values(100, 50_000),
        ],
        ids=[
            "loop",
            "no page",
            "header",
            "outside",
            "65,535 tags",
            "one strip for all",
            "one directory for all",
            "one list for all",
        ],
    )
    def test_a_lie_fails_alone(self, data: bytes) -> None:
        assert fails(data)

    def test_a_file_that_was_cut_off_fails_alone(self) -> None:
        assert all(fails(WHOLE[:size]) for size in range(8, len(WHOLE) - 6000, 997))

    def test_of_a_damaged_page_and_those_after_it_none_is_missing(self) -> None:
        damaged, third = bytearray(WHOLE), list(directories(WHOLE))[2]
        (count,) = struct.unpack_from("<H", damaged, third)
        for entry in range(third + 2, third + 2 + 12 * count, 12):
            struct.pack_into("<H", damaged, entry + 2, 12)  # floats cannot say where anything is
        found = pages(bytes(damaged))
        assert list(found) == [f"#{number}" for number in range(1, 6)]
        assert [np.array_equal(decode(found[f"#{n}"]), DRAWINGS[n - 1]) for n in (1, 2)] == [True, True]
        assert {len(found[f"#{number}"]) for number in (3, 4, 5)} == {8}

    def test_more_pages_than_are_allowed_are_refused(self) -> None:
        assert refusal(WHOLE, 4) == "too-many-images"
        assert len(pages(WHOLE, 5)) == 5

    def test_the_limit_of_an_image_is_one_of_its_pages(self) -> None:
        largest = max(drawing.size for drawing in DRAWINGS)
        assert len(pages(WHOLE, largest=largest)) == 5
        with pytest.raises(Problem) as caught:
            pages(WHOLE, largest=largest - 1)
        assert caught.value.slug == "file-too-large"
        single = tiff_of(DRAWINGS[:1])
        (name,) = pages(single + bytes(MIB), largest=DRAWINGS[0].size)
        assert name == ""
        with pytest.raises(Problem) as caught:
            pages(single, largest=DRAWINGS[0].size - 1)
        assert caught.value.slug == "file-too-large"

    def test_a_million_strips_are_not_counted_one_by_one(self) -> None:
        strips = 500_000
        head = b"II*\0" + struct.pack("<I", 8 + 8 * strips)
        arrays = bytes(4 * strips) + b"\xff" * (4 * strips)
        fields = [(273, 4, strips, 8), (279, 4, strips, 8 + 4 * strips)]
        page = struct.pack("<H", 2) + b"".join(struct.pack("<HHII", *each) for each in fields)
        first = page + struct.pack("<I", len(head + arrays + page) + 4)
        start = time.thread_time()
        assert fails(head + arrays + first + page + bytes(4))
        assert time.thread_time() - start < 0.5

    def test_fields_do_not_share_their_bytes(self) -> None:
        size = 4 << 20
        fields = b"".join(struct.pack("<HHII", tag % 600 + 1, 1, size, 8) for tag in range(60_000))
        page = struct.pack("<H", 60_000) + fields
        first = page + struct.pack("<I", 8 + size + len(page) + 4)
        data = b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + first + page + bytes(4)
        start = time.thread_time()
        assert fails(data)
        assert time.thread_time() - start < 0.5

    @given(st.data())
    @settings(max_examples=300, deadline=None)
    def test_damage_anywhere_is_a_problem_or_a_bad_page(self, data: st.DataObject) -> None:
        broken = bytearray(tiff_of([each[:9, :9] for each in DRAWINGS[:3]]))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(4, len(broken) - 5))
            width = data.draw(st.sampled_from([1, 2, 4]))
            broken[at : at + width] = data.draw(st.binary(min_size=width, max_size=width))
        with contextlib.suppress(Problem):
            for page in pages(bytes(broken)).values():
                with contextlib.suppress(BadImage):
                    assert decode(page).dtype == np.uint8
