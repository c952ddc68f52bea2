"""Files are told apart by their first bytes, the same way wherever it is asked."""

import pytest

from api.client.uploads import prepare
from api.file_types import is_image, media_type

BINARY = "application/octet-stream"


@pytest.mark.parametrize(
    ("head", "kind", "single"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", True),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg", True),
        (b"BM\0\0\0\0", "image/bmp", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", True),
        (b"II*\0\x08\0\0\0", "image/tiff", False),
        (b"MM\0*\0\0\0\x08", "image/tiff", False),
        (b"RIFF\0\0\0\0WAVEfmt ", BINARY, False),
        (b"<svg>", BINARY, False),
        (b"", BINARY, False),
    ],
)
def test_an_image_is_sent_and_shown_as_what_it_is(head: bytes, kind: str, single: bool) -> None:
    assert (media_type(head), is_image(head)) == (kind, single)
    with prepare(head) as upload:
        assert upload.content_type == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x05\x06", "application/zip"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b"\x93NUMPY\x01\0", "application/x-npy"),
        (b"\0\0\x08\x03", "application/x-idx"),
    ],
)
def test_a_container_is_sent_but_never_shown(head: bytes, kind: str) -> None:
    with prepare(head) as upload:
        assert upload.content_type == kind
    assert media_type(head) == BINARY
