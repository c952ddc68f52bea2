"""Chunks: whatever the gateway packs, a worker opens equal; whatever is no chunk is refused."""

import contextlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.ledger.chunks import (
    FILES,
    FILES_BY_CHARSET,
    GLYPH_BYTES,
    PIXELS,
    BadChunk,
    Chunk,
    Files,
    PixelBlock,
    pack,
    unpack,
)

FILE_LISTS = st.lists(st.binary(max_size=200), max_size=30)


@given(FILE_LISTS)
@settings(max_examples=200, deadline=None)
def test_files_come_back_equal(files: list[bytes]) -> None:
    content = unpack(pack(files))
    assert not isinstance(content, PixelBlock)
    assert [bytes(each) for each in content] == files


@given(st.lists(st.tuples(st.binary(max_size=50), st.none() | st.text(max_size=9)), max_size=30))
@settings(max_examples=200, deadline=None)
def test_charsets_come_back_with_their_files(items: list[tuple[bytes, str | None]]) -> None:
    files, charsets = [file for file, _ in items], [charset for _, charset in items]
    content = unpack(pack(Files(files, charsets)))
    assert isinstance(content, Files)
    assert [bytes(each) for each in content] == files
    assert content.charsets == (charsets if any(charsets) else ())


def test_a_part_of_a_chunk_has_its_own_charsets() -> None:
    content = Files([b"a", b"b", b"c"], [None, "digits", "xyz"])
    assert content.part(range(1, 3)) == Files([b"b", b"c"], ["digits", "xyz"])
    assert content.at(1) == Files([b"b"], ["digits"])
    assert Files([b"a", b"b"]).at(1) == Files([b"b"])


def test_chunks_without_charsets_are_as_they_ever_were() -> None:
    packed = b"F1\2\0\0\0\1\0\0\0\2\0\0\0abb"
    assert pack([b"a", b"bb"]) == pack(Files([b"a", b"bb"], [None, None])) == packed


@given(st.integers(0, 20), st.integers(0))
@settings(max_examples=50, deadline=None)
def test_pixels_come_back_equal(count: int, seed: int) -> None:
    data = Random(seed).randbytes(count * GLYPH_BYTES)
    content = unpack(pack(PixelBlock(data)))
    assert isinstance(content, PixelBlock)
    assert len(content) == count
    assert bytes(content.data) == data
    for index in range(count):
        assert bytes(content.at(index).data) == data[index * GLYPH_BYTES :][:GLYPH_BYTES]


def test_views_are_packed_like_bytes() -> None:
    whole = memoryview(bytes(range(256)) * 4)
    assert pack([whole[:3], whole[3:9]]) == pack([bytes(whole[:3]), bytes(whole[3:9])])
    assert pack(PixelBlock(whole[:GLYPH_BYTES])) == pack(PixelBlock(bytes(whole[:GLYPH_BYTES])))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"A",
        b"??",
        PIXELS + bytes(1),
        PIXELS + bytes(GLYPH_BYTES - 1),
        FILES,
        FILES + b"\1\0\0\0",
        FILES + b"\xff\xff\xff\xff",
        pack([b"abc"])[:-1],
        pack([b"abc"]) + b"d",
        FILES_BY_CHARSET + b"\1\0\0\0\0\0\0\0",
        FILES_BY_CHARSET + b"\1\0\0\0\0\0\0\0\2\0\0\0[]",
        FILES_BY_CHARSET + b"\1\0\0\0\0\0\0\0\3\0\0\0[1]",
        FILES_BY_CHARSET + b"\1\0\0\0\0\0\0\0\2\0\0\0[[",
        FILES_BY_CHARSET + b"\0\0\0\0\xff\xff\xff\xff[]",
    ],
)
def test_what_is_no_chunk_is_refused(payload: bytes) -> None:
    with pytest.raises(BadChunk):
        unpack(payload)


@given(FILE_LISTS, st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_refused_or_harmless(files: list[bytes], data: st.DataObject) -> None:
    charsets = data.draw(st.sampled_from([(), ["digits"] * len(files)]))
    broken = bytearray(pack(Files(files, charsets)))
    at = data.draw(st.integers(0, len(broken)))
    broken[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(BadChunk):
        content = unpack(bytes(broken))
        assert isinstance(content, PixelBlock) or sum(map(len, content)) <= len(broken)


def test_names_are_kept_only_where_there_are_some() -> None:
    assert Chunk(2, b"").names_json == b""
    assert Chunk(2, b"", ("a", "\N{SNOWMAN}")).names_json == b'["a", "\\u2603"]'
