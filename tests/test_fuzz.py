"""Whatever is uploaded, the gateway says its problem or takes it; and what it takes, a worker opens.

`make fuzz` runs the same for longer (FUZZ_EXAMPLES), and not from the same seed each time.
"""

import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.intake.cutter import Cutter
from api.intake.documents import read_json, read_ndjson
from api.intake.multiparts import read_form
from api.intake.sources import Source, parts_of
from api.openapi.contract import UPLOAD
from api.problems import Problem
from api.settings import GatewaySettings
from model.files.headers import BadImage, check
from model.files.idx import BadIdx, read_header
from model.files.tiffs import BadTiff, cut, directories
from worker.decoding.decoder import Decoder
from worker.engine.preparation import prepare
from worker.ledger.chunks import Chunk, unpack
from worker.ledger.jobs import Options
from worker.ledger.results import Failure

from nonsense import ANYTHING, REAL, arrays, damaged, noise, pngs, tiffs, zips

LONG = os.environ.get("FUZZ_EXAMPLES")
CHANCE = settings(
    max_examples=int(LONG or 150),
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
LIMITS = GatewaySettings(
    max_image_bytes=100_000, max_unpacked_bytes=400_000, max_images=100, max_pixels=10_000
)
FORM = (b"--b", b"\r\n", b"--", b"Content-Disposition: form-data; name=a", b"; filename=a", b"\r")
MOST_S, MOST_BYTES = 1.0, 16 << 20


@contextmanager
def bounded() -> Iterator[None]:
    """What happens here takes neither much time nor memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
    finally:
        spent, grown = time.process_time() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert spent < MOST_S
        assert grown < MOST_BYTES


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong here is a problem that the document knows."""
    try:
        yield
    except Problem as problem:
        if problem.slug not in UPLOAD or len(problem.detail) <= 10:
            raise


def taken(data: bytes, *, alone: bool = True) -> list[Chunk]:
    """The chunks that the gateway makes of an upload; none if it says what is wrong."""
    source = Source("", memoryview(data))
    chunks = list[Chunk]()
    with bounded(), told():
        chunks += Cutter(LIMITS, 1).cut(parts_of(source, LIMITS, alone=alone))
    return chunks


@cache
def decoder() -> Decoder:
    """As a worker has, for all that is opened here."""
    return Decoder(LIMITS.max_pixels, MOST_S)


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    """It ends with the last test."""
    yield
    decoder().close()


def opened(chunk: Chunk) -> int:
    """How many images of a chunk a worker reads; the others fail, each with a reason."""
    start = time.process_time()
    chunks = [(unpack(chunk.payload), Options("balanced"))]
    (prepared,) = prepare(chunks, "emnist", decoder().read)
    assert time.process_time() - start < MOST_S * chunk.count
    failures = [each for each in prepared.outcomes or () if isinstance(each, Failure)]
    assert len(prepared.content) == chunk.count == len(prepared.glyphs) + len(failures)
    assert prepared.glyphs.shape[1:] == (28, 28)
    assert prepared.glyphs.dtype == np.uint8
    assert all(each.detail for each in failures)
    assert chunk.names is None or len(chunk.names) == chunk.count
    return len(prepared.glyphs)


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_read(name: str) -> None:
    assert sum(map(opened, taken(REAL[name]))) > 0


@pytest.mark.parametrize(
    "uploads", [noise(), damaged(), zips(), arrays(), tiffs(), pngs()], ids=lambda each: repr(each)[:12]
)
def test_whatever_is_taken_can_be_opened(uploads: st.SearchStrategy[bytes]) -> None:
    @CHANCE
    @given(uploads, st.booleans())
    def hold(data: bytes, alone: bool) -> None:
        for chunk in taken(data, alone=alone):
            opened(chunk)

    hold()


@CHANCE
@given(ANYTHING)
def test_a_header_raises_nothing_but_its_own_error(data: bytes) -> None:
    start = time.process_time()
    with suppress(BadImage):
        check(data, 10_000)
    with suppress(BadIdx):
        assert len(read_header(data[:16]).shape) <= 3
    with suppress(BadTiff):
        assert sum(map(len, cut(data, list(directories(data))))) <= 4 * len(data)
    assert time.process_time() - start < MOST_S


@CHANCE
@given(st.binary(max_size=300) | st.text(alphabet='{}[]",:\\u0a-e1 \n', max_size=60).map(str.encode))
@example(b"[" * 100_000)
@example(b'{"images":[{"image":' + b"9" * 5000 + b"}]}")
def test_a_document_raises_nothing_but_a_problem(data: bytes) -> None:
    with told():
        list(read_json(memoryview(data), LIMITS)[0])
    with told():
        list(read_ndjson(memoryview(data), LIMITS))


@CHANCE
@given(st.lists(st.sampled_from(FORM) | st.binary(max_size=20)).map(b"".join))
def test_a_form_raises_nothing_but_a_problem(data: bytes) -> None:
    with told():
        read_form(memoryview(data), "multipart/form-data; boundary=b", 10)
