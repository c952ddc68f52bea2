"""Image files: every kind of pixel is read the same, and no bytes do more than to be refused."""

import contextlib
import io
import pickle
import time
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from model.drawn import draw
from model.files import headers
from model.files.headers import GREY_SHARE, dimensions
from model.files.images import BadImage, Grey, TooLarge, decode, png

from hostile_files import (
    animation,
    bmp_of_fields,
    jpeg_of_many_scans,
    packed_zeros,
    png_chunk,
    png_of,
    saved,
    tiff_of_notes,
    turned,
)
from samples import tiff_of

DRAWING = draw("R", np.random.default_rng(7), side=48)
HALF = np.where(np.arange(48)[:, None] < 24, DRAWING, np.uint8(0))
JPEG = saved(DRAWING, "JPEG")
SMALL = (DRAWING[:20, :20], DRAWING[::3, ::3])
FILES = {
    "png": png(SMALL[0]),
    "palette": saved(SMALL[0], "PNG", "P"),
    "jpeg": saved(SMALL[0], "JPEG"),
    "progressive": saved(SMALL[0], "JPEG", progressive=True),
    "webp": saved(SMALL[0], "WEBP", lossless=True),
    "bmp": saved(SMALL[0], "BMP"),
    "tiff": saved(SMALL[0], "TIFF", compression="tiff_lzw"),
    "pages": tiff_of(SMALL),
}


def refusal(data: bytes, **limits: int) -> BadImage:
    with pytest.raises(BadImage) as caught:
        decode(data, **limits)
    return caught.value


def cost_s(data: bytes) -> float:
    """The processor time of a refusal; the least of three, since garbage is collected now and then."""

    def once() -> float:
        start = time.process_time()
        refusal(data)
        return time.process_time() - start

    return min(once() for _ in range(3))


def see_through(opaque: Grey, alpha: int) -> Grey:
    """The drawing in BGRA, its lower half see-through."""
    opacity = np.where(np.arange(48)[:, None] < 24, np.uint8(255), np.uint8(alpha))
    return np.dstack([opaque] * 3 + [np.broadcast_to(opacity, opaque.shape)])


class TestJpegs:
    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_their_size_is_read_without_pillow(
        self, mode: str, progressive: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notes = {"comment": b"a", "dpi": (300, 300), "icc_profile": b"i", "exif": Image.Exif()}
        data = saved(DRAWING[:30], "JPEG", mode, progressive=progressive, **notes)
        monkeypatch.setattr(headers, "open_image", None)
        assert dimensions(data) == (48, 30)

    @pytest.mark.parametrize(
        "between",
        [
            b"\xff\xe0\0\2" * 100,  # many segments
            b"\xff\xff\xff",  # bytes that fill
            b"\0\0",  # bytes that should not be there
            b"\xff\x01",  # a marker without a length
        ],
    )
    def test_unusual_ones_are_left_to_pillow(self, between: bytes) -> None:
        data = JPEG[:2] + between + JPEG[2:]
        try:
            with Image.open(io.BytesIO(data)) as image:
                expected = image.size
        except OSError:
            assert "header is damaged" in str(refusal(data)) or "not a" in str(refusal(data))
        else:
            assert dimensions(data) == expected

    def test_what_a_phone_appends_or_encloses_is_no_scan_of_theirs(self) -> None:
        scans = b"\xff\xda\0\2" * 100
        video = bytes(9) + scans
        note = b"\xff\xe5" + (2 + len(video)).to_bytes(2, "big") + video
        expected = decode(JPEG)
        for data in (JPEG + video, JPEG[:2] + note + JPEG[2:], JPEG[:2] + note + JPEG[2:] + video):
            assert np.array_equal(decode(data), expected)
        assert "over 64 scans" in str(refusal(jpeg_of_many_scans(DRAWING, 70) + video))

    @pytest.mark.parametrize("between", [b"\xff\xd0", b"\xff\x01", b"\xff\xd8"])
    def test_no_marker_between_scans_hides_any(self, between: bytes) -> None:
        data = jpeg_of_many_scans(DRAWING, 70).replace(b"\xff\xc4", between + b"\xff\xc4")
        assert "over 64 scans" in str(refusal(data))


class TestKinds:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_a_lossless_file_is_read_pixel_for_pixel(self, kind: str, mode: str) -> None:
        options = {"lossless": True} if kind == "WEBP" else {}
        assert np.array_equal(decode(saved(DRAWING, kind, mode, **options)), DRAWING)

    @pytest.mark.parametrize(
        "written",
        ["PNG P", "PNG LA", "PNG RGBA", "TIFF P", "TIFF LA", "TIFF RGBA", "TIFF CMYK", "BMP P"],
    )
    def test_other_pixels_mean_the_same(self, written: str) -> None:
        found = decode(saved(DRAWING, *written.split()))
        assert np.abs(found.astype(int) - DRAWING).max() <= 1

    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    def test_a_jpeg_is_nearly_the_same(self, mode: str) -> None:
        assert np.abs(decode(saved(DRAWING, "JPEG", mode)).astype(int) - DRAWING).mean() < 5

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bits_become_eight(self, kind: str) -> None:
        deep = DRAWING.astype(np.uint16) * 257
        assert np.array_equal(decode(saved(deep, kind)), DRAWING)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
    def test_one_bit_is_black_and_white(self, kind: str) -> None:
        found = decode(saved(DRAWING > 128, kind))
        assert np.array_equal(found, np.where(DRAWING > 128, 255, 0))

    @pytest.mark.parametrize("dtype", [np.int32, np.float32])
    def test_pixels_without_a_range_are_stretched(self, dtype: type) -> None:
        deep = (DRAWING.astype(np.float64) * 1000 - 70_000).astype(dtype)
        found = decode(saved(deep, "TIFF"))
        assert (found.min(), found.max()) == (0, 255)
        assert np.corrcoef(found.ravel(), DRAWING.ravel())[0, 1] > 0.999

    def test_no_float_is_too_odd(self) -> None:
        odd = np.array([[np.nan, np.inf, -np.inf], [3e38, -3e38, 0]], np.float32)
        assert decode(saved(odd, "TIFF")).dtype == np.uint8

    @pytest.mark.parametrize("alpha", [0, 128])
    def test_transparent_pixels_show_white(self, alpha: int) -> None:
        whole = see_through(DRAWING, alpha)
        white = 255 - np.round((255.0 - DRAWING) * (whole[:, :, 3] / 255.0))
        for data in (png(whole), saved(whole[:, :, [2, 1, 0, 3]], "TIFF")):
            assert np.abs(decode(data) - white).max() <= 1

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
    def test_white_ink_on_nothing_is_seen(self, kind: str) -> None:
        opacity = 255 - DRAWING
        whole = np.dstack([np.full_like(DRAWING, 255)] * 3 + [opacity])
        options = {"lossless": True} if kind == "WEBP" else {}
        assert np.array_equal(decode(saved(whole, kind, **options)), opacity)
        assert decode(saved(see_through(DRAWING, 255) | 255, kind, **options)).min() == 255

    @pytest.mark.parametrize("turn", [1, 6])
    @pytest.mark.parametrize(
        ("dpi", "shape"),
        [
            ((204, 98), (62, 48)),
            ((150, 300), (30, 96)),
            ((204, 196), (30, 48)),
            ((300, 1), (30, 48)),
            ((0, 98), (30, 48)),
        ],
    )
    def test_the_pixels_of_a_fax_are_made_square(
        self, dpi: tuple[int, int], shape: tuple[int, int], turn: int
    ) -> None:
        data = saved(DRAWING[:30] > 128, "TIFF", dpi=dpi, compression="group4", tiffinfo={274: turn})
        assert decode(data).shape == (shape if turn == 1 else shape[::-1])
        assert decode(data, max_pixels=30 * 48).shape == decode(data).shape
        assert decode(data, max_pixels=30 * 48 // GREY_SHARE).size == 30 * 48

    def test_a_transparent_colour_of_a_palette_shows_white(self) -> None:
        palette = np.where(HALF == 0, 0, 20).astype(np.uint8)
        found = decode(saved(palette, "PNG", "P", transparency=0))
        assert np.array_equal(found, np.where(HALF == 0, 255, 20))

    def test_interlaced_pixels_are_read(self) -> None:
        rows = b"".join(b"\0" + bytes([value]) for value in (10, 20, 30))
        head = png_of(1, 3, pixels=rows)
        laced = bytearray(head)
        laced[28] = 1
        laced[29:33] = png_chunk(b"IHDR", bytes(laced[16:29]))[-4:]
        assert decode(bytes(laced)).ravel().tolist() == [10, 30, 20]

    @pytest.mark.parametrize(
        ("orientation", "turn"), [(3, cv2.ROTATE_180), (6, cv2.ROTATE_90_CLOCKWISE)]
    )
    def test_a_turned_jpeg_stands_upright(self, orientation: int, turn: int) -> None:
        wide = saved(DRAWING[:, :30], "JPEG")
        found = decode(turned(wide, orientation))
        assert np.array_equal(found, cv2.rotate(decode(wide), turn))

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_so_does_every_other_kind(self, kind: str, orientation: int) -> None:
        wide = DRAWING[:, :30]
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        data = saved(wide, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
        expected = decode(turned(saved(wide, "JPEG", quality=100), orientation))
        found = decode(data)
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected).mean() < 1

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_damaged_exif_turns_nothing(self, kind: str) -> None:
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(DRAWING, kind, exif=b"Exif\0\0II*\0\xff\xff\xff\xff", **options)
        assert np.array_equal(decode(data), DRAWING)

    def test_exif_that_a_webp_only_begins_with_turns_nothing(self) -> None:
        assert np.array_equal(decode(saved(DRAWING, "WEBP", lossless=True) + b"EXIF"), DRAWING)

    def test_what_only_looks_like_exif_turns_nothing(self) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 3
        note = png_chunk(b"eXIf", exif.tobytes()[6:])
        pixels = np.arange(81, dtype=np.uint8).reshape(9, 9)
        stored = b"".join(b"\0" + row.tobytes() for row in pixels)
        assert np.array_equal(decode(png_of(9, 9, png_chunk(b"teSt", note), pixels=stored)), pixels)
        assert np.array_equal(decode(png_of(9, 9, note, pixels=stored)), pixels[::-1, ::-1])

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_a_transparent_grey_shows_white(self, dtype: type) -> None:
        faint = np.where(HALF == 0, 0, 20).astype(dtype) * (257 if dtype == np.uint16 else 1)
        found = decode(saved(faint, "PNG", transparency=0))
        assert np.array_equal(found, np.where(HALF == 0, 255, 20))

    @pytest.mark.parametrize(
        ("depth", "row"), [(1, b"\x55"), (2, b"\x11\x11"), (4, b"\1\1\1\1"), (8, b"\0\1" * 4)]
    )
    def test_so_does_one_of_any_number_of_bits(self, depth: int, row: bytes) -> None:
        ones_are_clear = png_chunk(b"tRNS", b"\0\1")
        seen = decode(png_of(8, 1, ones_are_clear, pixels=b"\0" + row, depth=depth))
        assert seen.ravel().tolist() == [0, 255] * 4

    def test_a_long_profile_beside_exif_is_no_harm(self) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 3
        data = saved(DRAWING, "PNG", exif=exif, icc_profile=bytes(2 << 20))
        assert np.array_equal(decode(data), DRAWING[::-1, ::-1])

    @pytest.mark.parametrize("spare", [0, 128, 255])
    def test_the_spare_byte_of_a_bmp_is_no_transparency(self, spare: int) -> None:
        assert np.array_equal(decode(bmp_of_fields(DRAWING, spare)), DRAWING)

    def test_a_bmp_may_be_see_through_if_it_says_so(self) -> None:
        found = decode(bmp_of_fields(HALF, HALF, alpha=True))
        assert found[-1].min() == 255
        assert np.array_equal(decode(bmp_of_fields(HALF, 0, alpha=True)), HALF)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_of_an_animation_the_first_frame_is_read(self, kind: str) -> None:
        assert np.array_equal(decode(animation([DRAWING, DRAWING.T, HALF], kind)), DRAWING)

    def test_an_animation_that_lacks_pixels_is_refused(self) -> None:
        frames = png_chunk(b"acTL", b"\0\0\0\2" + bytes(4)), png_chunk(b"fcTL", FRAME)
        assert not decode(png_of(64, 64, *frames, pixels=bytes(65 * 64))).any()
        refusal(png_of(64, 64, *frames, pixels=bytes(65 * 32)))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (27, 28), (29, 28)])
    def test_any_shape_is_read(self, shape: tuple[int, int]) -> None:
        pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
        assert np.array_equal(decode(png(pixels)), pixels)


class TestLimits:
    @pytest.mark.parametrize(
        ("width", "height"),
        [
            (65_535, 65_535),
            (1 << 31, 1 << 31),
            (0xFFFFFFFF, 1),
            (10_001, 8000),
            (1, 4_000_000),
            (4_000_000, 1),
        ],
    )
    def test_a_large_image_is_refused_by_its_header(self, width: int, height: int) -> None:
        data = png_of(width % (1 << 32), height % (1 << 32))
        tracemalloc.start()
        assert isinstance(refusal(data), TooLarge)
        assert cost_s(data) < 0.05
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()

    @pytest.mark.parametrize(
        ("written", "share"),
        [
            *((kind, 1) for kind in ("BMP L", "WEBP L", "PNG RGB", "PNG P", "PNG LA", "TIFF RGB")),
            *((kind, GREY_SHARE) for kind in ("JPEG RGB", "PNG L", "PNG 1", "TIFF L", "TIFF 1")),
        ],
    )
    def test_the_limit_holds_for_every_kind(self, written: str, share: int) -> None:
        data = saved(DRAWING, *written.split())
        most = -(-48 * 48 // share)
        assert decode(data, max_pixels=most).shape == (48, 48)
        assert isinstance(refusal(data, max_pixels=most - 1), TooLarge)

    def test_the_largest_image_takes_moments(self) -> None:
        data = png(np.full((4000, 4000, 4), 200, np.uint8))
        start = time.process_time()
        decode(data)
        assert time.process_time() - start < 2


FRAME = bytes(4) + b"\0\0\0\x40" * 2 + bytes(14)
HUGE_FRAME = png_chunk(b"fcTL", bytes(4) + b"\0\0\xff\xff" * 2 + bytes(14))
BOMBS = {
    "a chunk of 4 GB": png_of(9, 9, png_chunk(b"teSt", b"", 0xFFFFFFFF)),
    "pixels of 2 GB": png_of(9, 9, png_chunk(b"IDAT", b"", 0x80000000)),
    "far more pixels than the picture has": png_of(9, 9, pixels=bytes(50_000_000)),
    "an animation of huge frames": png_of(9, 9, png_chunk(b"acTL", b"\xff" * 8), HUGE_FRAME),
    "painted over a thousand times": jpeg_of_many_scans(DRAWING, 1000),
}


class TestBombs:
    @pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
    def test_a_bomb_is_refused_in_no_time(self, data: bytes) -> None:
        assert cost_s(data) < 0.05

    @pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"eXIf"])
    def test_notes_are_not_unpacked_far(self, kind: bytes) -> None:
        note = png_chunk(kind, b"a\0\0\x78\xda" + packed_zeros(500))
        start = time.process_time()
        decode(png_of(9, 9, note, pixels=bytes(90)))
        assert time.process_time() - start < 0.2

    def test_the_notes_of_a_tiff_are_not_looked_at(self) -> None:
        start = time.process_time()
        assert not decode(tiff_of_notes(10_000, 1 << 20)).any()
        assert time.process_time() - start < 0.3

    def test_a_hundred_thousand_chunks_take_no_time(self) -> None:
        start = time.process_time()
        assert decode(png_of(9, 9, png_chunk(b"teSt", b"") * 100_000, pixels=bytes(90))).shape == (9, 9)
        assert time.process_time() - start < 0.5


STRANGERS = {
    "a PDF": b"%PDF-1.7\n" + bytes(99),
    "GIF": animation([DRAWING, HALF], "GIF"),
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
    "HEIC ": b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(99),
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + bytes(99),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99),
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99),
}


@pytest.mark.parametrize(("name", "data"), STRANGERS.items(), ids=STRANGERS.keys())
def test_a_format_that_is_not_read_is_named_with_what_to_do(name: str, data: bytes) -> None:
    assert str(refusal(data)).startswith(f"{name.strip()} is not read: convert ")


EXTREMES = st.sampled_from([b"\xff" * 4, b"\x7f" + b"\xff" * 3, bytes(4)])
MAGICS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")


class TestDamage:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0",
            b"<html>",
            b"\x7fELF" + bytes(99),
            b"GIF89a" + bytes(99),
            b"%PDF-1.7",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            b"8BPS" + bytes(99),
            b"\x93NUMPY",
            b"BM",
            b"II*\0",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"RIFF\0\0\0\0WEBP",
            pickle.dumps(DRAWING),
            animation([DRAWING, HALF], "GIF"),
            png_of(0, 0),
            png_of(9, 0),
        ],
    )
    def test_what_is_no_image_is_refused(self, data: bytes) -> None:
        assert not isinstance(refusal(data), TooLarge)

    def test_a_bigtiff_is_refused_with_what_to_do(self) -> None:
        found = refusal(saved(DRAWING, "TIFF", big_tiff=True))
        assert str(found) == "BigTIFF is not read: save it as TIFF"

    @pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "tiff"])
    def test_a_file_that_was_cut_off_is_refused_wherever_it_was(self, kind: str) -> None:
        data = FILES[kind]
        for size in [*range(min(256, len(data))), *range(256, len(data), 17)]:
            refusal(data[:size])

    @pytest.mark.parametrize("kind", FILES)
    def test_a_flipped_bit_is_refused_or_harmless(self, kind: str) -> None:
        whole = FILES[kind]
        for at in [*range(min(120, len(whole))), *range(120, len(whole), 11)]:
            broken = bytearray(whole)
            broken[at] ^= 1 << (at % 8)
            expect_pixels_or_refusal(bytes(broken))

    def test_a_damaged_note_of_a_png_is_no_harm(self) -> None:
        note = png_chunk(b"tEXt", b"Title\0a")
        assert decode(png_of(9, 9, note[:-1] + b"?", pixels=bytes(90))).shape == (9, 9)

    @given(st.data())
    @settings(max_examples=600, deadline=None)
    def test_damage_anywhere_is_refused_or_harmless(self, data: st.DataObject) -> None:
        broken = bytearray(data.draw(st.sampled_from(sorted(FILES.values()))))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(broken)) | st.integers(0, 99))
            size = data.draw(st.integers(0, 4))
            broken[at : at + size] = data.draw(EXTREMES | st.binary(max_size=8))
        expect_pixels_or_refusal(bytes(broken))

    @pytest.mark.parametrize("kind", ["png", "jpeg", "progressive", "webp", "bmp", "tiff"])
    def test_what_is_decoded_has_as_many_pixels_as_were_checked(self, kind: str) -> None:
        whole = FILES[kind]
        for at in range(len(whole)):
            broken, told = bytearray(whole), list[int]()
            broken[at] ^= 1 << (at % 8)
            with contextlib.suppress(BadImage):
                pixels = decode(bytes(broken), 10_000, told.append)
                assert told == [pixels.size]

    @given(st.binary(max_size=300), st.sampled_from(MAGICS))
    @settings(max_examples=300, deadline=None)
    def test_random_bytes_are_refused(self, data: bytes, magic: bytes) -> None:
        expect_pixels_or_refusal(magic + data)


def expect_pixels_or_refusal(data: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(BadImage):
        pixels = decode(data, max_pixels=10_000)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 2
        assert 0 < pixels.size <= 10_000 * GREY_SHARE
    assert time.process_time() - start < 1
