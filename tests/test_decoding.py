"""Decoders: what an image may cost them, what they may cost a worker, and what they can reach."""

import contextlib
import io
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count, repeat
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model.files.images import decode
from model.files.png_batches import read_scanlines
from model.flags import Flag
from model.glyph import Glyph
from model.ink.normalization import to_glyph
from model.layout import MAX_PIXELS, Box, Character, Layout
from worker.decoding import decoder_connection, decoder_process, fork_server, seccomp
from worker.decoding.decoder import PART_BYTES, TRIES, Decoder
from worker.decoding.decoder_connection import DecoderConnection, Lost
from worker.decoding.failpoints import KINDS
from worker.decoding.fork_server import NoDecoder
from worker.decoding.progress import Progress, shared
from worker.decoding.replies import (
    BLOCK,
    HEAD_BYTES,
    MOST_PICTURE,
    MOST_SHEET,
    MOST_SIDE,
    BadReply,
    Outcome,
    open_body,
    open_head,
    pack_glyphs,
    pack_reply,
)
from worker.decoding.sandbox import BYTES_A_PIXEL, BYTES_BESIDE
from worker.decoding.wire import Encoded, read_ask
from worker.ledger.results import FAILURES, TOO_LARGE, UNDECODABLE, WORKER_LOST, Failure

from hostile_files import animation, saved, turned
from killers import DECODE_S, REASONS, armed, decoding, failpoints
from samples import drawings, pngs

GLYPH = Glyph(np.arange(784).reshape(28, 28).astype(np.uint8), Flag.LOW_CONTRAST)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """With failpoints."""
    with failpoints(), decoding() as made:
        yield made


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """Twenty drawings."""
    return pngs(20, np.random.default_rng(7))


def asked(files: Sequence[bytes]) -> list[Encoded]:
    return [Encoded(file, "emnist") for file in files]


def told(decoder: Decoder, images: Sequence[Encoded]) -> list[bytes | Failure]:
    """What they say of images that are one character each; the pixels of each glyph."""
    outcomes = decoder.read(images)
    assert not any(isinstance(each, list) for each in outcomes)
    return [each.pixels.tobytes() if isinstance(each, Glyph) else each for each in outcomes]  # type: ignore[misc]


def directly(files: Sequence[bytes]) -> list[bytes]:
    return [to_glyph(decode(file), "emnist").tobytes() for file in files]


def decoder_of(decoder: Decoder) -> psutil.Process:
    decoder.wait_ready()
    (found,) = newest_fork_server().children()
    return found


def newest_fork_server() -> psutil.Process:
    children = psutil.Process().children()
    servers = [each for each in children if "worker.decoding" in each.cmdline()]
    return max(servers, key=psutil.Process.create_time)


def test_glyphs_are_those_of_the_model(decoder: Decoder, files: list[bytes]) -> None:
    assert told(decoder, asked(files)) == directly(files)
    for normalization in ("mnist", None):
        glyph = to_glyph(decode(files[0]), normalization).tobytes()  # type: ignore[arg-type]
        assert told(decoder, [Encoded(files[0], normalization)]) == [glyph]  # type: ignore[arg-type]
    assert told(decoder, []) == []


def test_small_plain_pngs_and_all_else_are_answered_in_order(decoder: Decoder) -> None:
    small, large = drawings(8, np.random.default_rng(7)), drawings(4, np.random.default_rng(8))
    plain = [saved(cv2.resize(each, (28, 28)), "PNG") for each in small]
    assert all(map(read_scanlines, plain))
    files = [*plain[:3], saved(large[0], "JPEG"), plain[3], saved(large[1], "PNG"), *plain[4:]]
    assert told(decoder, asked(files)) == directly(files)
    damaged = plain[5][:-13] + plain[5][-12:]
    *good, bad, last = told(decoder, asked([*plain[:5], damaged, plain[6]]))
    assert [*good, last] == directly([*plain[:5], plain[6]])
    assert isinstance(bad, Failure)


def test_a_bad_image_costs_no_decoder(decoder: Decoder, files: list[bytes]) -> None:
    before = decoder_of(decoder).pid
    outcomes = told(
        decoder, asked([b"", b"text", files[0][:60], saved(np.zeros((5000, 4000)), "BMP", "1")])
    )
    assert [each.type for each in outcomes if isinstance(each, Failure)] == [UNDECODABLE] * 3 + [
        TOO_LARGE
    ]
    assert decoder_of(decoder).pid == before


@pytest.mark.parametrize("kind", REASONS)
def test_a_killer_is_found_alone(
    decoder: Decoder, files: list[bytes], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = told(decoder, asked([*files[:7], armed(files[7], kind), *files[8:]]))
    failure = outcomes.pop(7)
    assert isinstance(failure, Failure)
    assert failure.type == UNDECODABLE
    assert failure.detail.startswith(REASONS[kind])
    assert outcomes == directly(files[:7] + files[8:])
    # What took too long once would do so again; all else may have been chance.
    # Who talks nonsense is first found among several.
    once, besides = kind in ("loop", "spin"), kind in ("nonsense", "flood")
    assert len(caplog.records) == (1 if once else TRIES + besides)


def test_who_died_over_several_is_found_among_them(
    decoder: Decoder, files: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DecoderConnection, "in_hand", property(lambda connection: range(20)))
    outcomes = told(decoder, asked([*files[:7], armed(files[7], "segfault"), *files[8:]]))
    assert outcomes.pop(7) == Failure(UNDECODABLE, REASONS["segfault"])
    assert outcomes == directly(files[:7] + files[8:])


def test_more_than_a_block_is_read_in_order(decoder: Decoder, files: list[bytes]) -> None:
    many = [*files, b"", *files, files[0]]
    normalizations = ["emnist"] * 30 + ["mnist"] * 12
    outcomes = told(decoder, list(map(Encoded, many, normalizations)))  # type: ignore[arg-type]
    assert isinstance(outcomes.pop(20), Failure)
    del many[20], normalizations[20]
    wanted = zip(many, normalizations, strict=True)
    assert outcomes == [
        to_glyph(decode(file), normalization).tobytes() for file, normalization in wanted
    ]  # type: ignore[arg-type]


def test_killers_side_by_side_and_at_the_ends_are_found(decoder: Decoder, files: list[bytes]) -> None:
    deadly = [armed(files[0], kind) for kind in ("loop", "exit", "half")]
    outcomes = told(decoder, asked([*deadly, *files, *deadly]))
    assert [isinstance(each, Failure) for each in outcomes] == [True] * 3 + [False] * 20 + [True] * 3
    assert outcomes[3:-3] == directly(files)
    assert outcomes[0] == Failure(UNDECODABLE, REASONS["loop"])


def test_the_memory_of_a_large_image_serves_the_next(decoder: Decoder) -> None:
    image = saved(np.zeros((600, 800, 3), np.uint8), "PNG")
    told(decoder, asked([image]))
    process = decoder_of(decoder)
    before = page_faults(process)
    told(decoder, asked([image]))
    assert page_faults(process) - before < 100  # its pixels alone take 350 pages


def page_faults(process: psutil.Process) -> int:
    """How often it has been given a page of memory."""
    return int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[7])


def test_what_is_harmless_after_all_is_read(decoder: Decoder, files: list[bytes]) -> None:
    before = decoder_of(decoder).pid
    odd = [armed(files[0], kind) for kind in ("print", "pause")]
    assert told(decoder, asked(odd)) == directly([files[0]] * 2)
    assert decoder_of(decoder).pid == before


def test_every_failpoint_is_tried_here() -> None:
    assert set(KINDS) == {*REASONS, "sleep", "pause", "print", "breakout"}


def test_failpoints_are_off_by_default(files: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INKQUEUE_FAILPOINTS", raising=False)
    with decoding() as quiet:
        assert told(quiet, asked([armed(files[0], kind) for kind in KINDS])) == directly(
            [files[0]] * len(KINDS)
        )


def test_an_innocent_image_survives_the_death_of_its_decoder(
    decoder: Decoder, files: list[bytes]
) -> None:
    victim = decoder_of(decoder)
    killing = threading.Timer(0.25, victim.kill)  # while the image pauses for twice as long
    killing.start()
    assert told(decoder, asked([armed(files[0], "pause"), files[1]])) == directly(files[:2])
    killing.join()
    assert not psutil.wait_procs([victim], 20)[1]


def test_each_image_has_a_second_try_of_its_own(
    files: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_connection, "BEAT_S", 60.0)
    waits = count(1)

    def touch() -> None:
        held = own._process._connection  # none: it is a decoder that is waited for
        if held and next(waits) in (1, 3):  # the first wait for the first image, and that for the second
            os.kill(held.pid, signal.SIGKILL)

    with failpoints():
        own = Decoder(MAX_PIXELS, DECODE_S, touch)
        pauses = [armed(file, "pause") for file in files[:2]]
        try:
            assert told(own, asked(pauses)) == directly(files[:2])
        finally:
            own.close()
        assert next(waits) == 5


def test_an_idle_decoder_or_fork_server_that_is_killed_is_replaced(
    decoder: Decoder, files: list[bytes]
) -> None:
    for victim in (decoder_of(decoder), newest_fork_server()):
        victim.kill()
        psutil.wait_procs([victim], 0.2)
        assert told(decoder, asked(files)) == directly(files)


def test_nobody_is_killed_in_place_of_a_decoder_that_has_ended(
    files: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with decoding() as own:
        decoder_of(own).kill()
        assert own._process._fork_server
        select.select([own._process._fork_server._control], [], [])  # until it is told of
        killed: list[int] = []
        monkeypatch.setattr(os, "kill", lambda pid, number: killed.append(pid))
        assert told(own, asked(files)) == directly(files)
        assert not killed


def test_who_waits_for_a_decoder_is_not_stuck(files: list[bytes]) -> None:
    touched: list[None] = []
    own = Decoder(MAX_PIXELS, DECODE_S, lambda: touched.append(None))
    own.wait_ready()
    assert len(touched) == 1
    own.close()


def test_who_is_silent_is_given_up(files: list[bytes]) -> None:
    with failpoints(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_process, "PATIENCE", 1)
        with decoding(decode_s=0.75) as hasty:
            outcomes = told(hasty, asked([armed(files[0], "sleep"), files[1]]))
    assert outcomes == [
        Failure(UNDECODABLE, "decoding it takes too long, over 1 s"),
        *directly(files[1:2]),
    ]


def test_threads_that_draw_and_read_take_turns(decoder: Decoder, files: list[bytes]) -> None:
    wanted = Encoded(files[0], "emnist", marks=b"[]")
    alone = decoder.draw(wanted)
    assert isinstance(alone, bytes)
    with ThreadPoolExecutor(2) as pool:
        drawn = pool.submit(lambda: [decoder.draw(wanted) for _ in range(50)])
        read = pool.submit(lambda: [told(decoder, asked(files)) for _ in range(20)])
    assert drawn.result() == [alone] * 50
    assert read.result() == [directly(files)] * 20


def test_more_than_one_part_is_read_in_order(decoder: Decoder, files: list[bytes]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1300, 1300), np.uint8)
    large = saved(noise, "BMP")
    assert 2 * len(large) < PART_BYTES < 3 * len(large)
    many = [files[0], large, large, files[1], large, files[2]]
    assert told(decoder, asked(many)) == directly(many)


class TestSandbox:
    def test_a_machine_of_unknown_calls_is_told_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seccomp, "MACHINES", {})
        assert not seccomp.confine()

    def test_a_limit_that_is_lower_already_stays(self) -> None:
        lower = 900 << 20
        with decoding() as own:
            psutil.Process(newest_fork_server().pid).rlimit(resource.RLIMIT_AS, (lower, lower))
            decoder_of(own).kill()
            told(own, asked([b""]))
            assert decoder_of(own).rlimit(resource.RLIMIT_AS) == (lower, lower)

    def test_nothing_can_be_opened_started_or_signalled(
        self, decoder: Decoder, files: list[bytes]
    ) -> None:
        assert told(decoder, asked([armed(files[0], "breakout")])) == directly(files[:1])

    def test_limits_are_in_force(self, decoder: Decoder) -> None:
        process = decoder_of(decoder)
        for limit in ("CORE", "FSIZE", "NPROC", "NOFILE"):
            assert process.rlimit(getattr(resource, f"RLIMIT_{limit}")) == (0, 0)
        memory = process.rlimit(resource.RLIMIT_AS)[0]
        assert 0 < memory - MAX_PIXELS * BYTES_A_PIXEL - BYTES_BESIDE < 400 << 20
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "\nNoNewPrivs:\t1\n" in status
        assert "\nSeccomp:\t2\n" in status
        assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "1000\n"

    def test_it_has_a_socket_and_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1")
        with decoding() as own:
            process = decoder_of(own)
            assert "REDIS_URL" not in process.environ()
            folder = Path(f"/proc/{process.pid}/fd")
            targets = sorted(os.readlink(each) for each in folder.iterdir())
        assert [target.split(":")[0] for target in targets] == ["/dev/null", "socket"]

    def test_neither_torch_nor_redis_is_in_it(self, decoder: Decoder) -> None:
        libraries = {region.path for region in decoder_of(decoder).memory_maps()}
        assert any("cv2" in path for path in libraries)
        assert not [path for path in libraries if "torch" in path or "hiredis" in path]
        assert decoder_of(decoder).memory_full_info().pss < 60 << 20


class TestLargest:
    """What is allowed is read, within the limits as they are by default."""

    def test_sixteen_bits_and_transparency(self, decoder: Decoder) -> None:
        ramp = (np.add.outer(np.arange(4000), np.arange(4000)) * 8).astype(np.uint16)
        file = cv2.imencode(".png", np.dstack([ramp] * 4), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        (outcome,) = told(decoder, asked([file.tobytes()]))
        assert isinstance(outcome, bytes)

    def test_floats(self, decoder: Decoder) -> None:
        file = saved(np.tri(4000, dtype=np.float32), "TIFF")
        assert told(decoder, asked([file])) == directly([file])

    def test_cmyk(self, decoder: Decoder) -> None:
        out = io.BytesIO()
        Image.new("CMYK", (4000, 4000), (0, 0, 0, 90)).save(out, "TIFF", compression="tiff_lzw")
        (outcome,) = told(decoder, asked([out.getvalue()]))
        assert isinstance(outcome, bytes)

    @pytest.mark.parametrize("kind", ["photograph of a phone", "scan at 600 dpi"])
    def test_what_is_decoded_to_grey(self, decoder: Decoder, kind: str) -> None:
        page = np.full((6000, 8000), 250, np.uint8)
        page[5000:5400, 600:700] = 40
        if kind == "scan at 600 dpi":
            file = saved(np.rot90(page, -1), "TIFF", "1", compression="group4")
        else:
            file = turned(saved(page, "JPEG", "CMYK", progressive=True), 6)
        assert not isinstance(told(decoder, asked([file]))[0], Failure)
        (found,) = decoder.read([Encoded(file, "emnist", Layout("page"))])
        assert isinstance(found, list)
        assert np.abs(np.subtract(found[0].box, (600, 600, 400, 100))).max() < 12

    @pytest.mark.parametrize("kind", ["CMYK JPEG", "animated WEBP", "animated PNG", "16 bit TIFF"])
    def test_odd_kinds(self, decoder: Decoder, kind: str) -> None:
        first, second = drawings(2, np.random.default_rng(1))
        file = {
            "CMYK JPEG": lambda: saved(first, "JPEG", "CMYK"),
            "animated WEBP": lambda: animation([first, second], "WEBP"),
            "animated PNG": lambda: animation([first, second], "PNG"),
            "16 bit TIFF": lambda: saved(first.astype(np.uint16) * 257, "TIFF"),
        }[kind]()
        assert told(decoder, asked([file])) == directly([file])


def sheet(count: int) -> list[Character]:
    """Characters in two lines, the last of them in two readings."""
    return [
        Character(GLYPH, Box(9 * n, 40 * (n // 5), 8, 30), n // 5, n % 5 // 2, min(n, count - 2), n % 2)
        for n in range(count)
    ]


def plain(outcome: Outcome) -> object:
    """Comparable, though arrays are not."""
    if isinstance(outcome, Failure):
        return outcome
    if isinstance(outcome, Glyph):
        return outcome.pixels.tobytes(), outcome.flags
    return [(each._replace(glyph=None), plain(each.glyph)) for each in outcome]  # type: ignore[arg-type]


def opened(reply: bytes, number: int) -> Outcome:
    code, length = open_head(reply[:HEAD_BYTES], number)
    assert length == len(reply) - HEAD_BYTES
    (outcome,) = open_body(code, reply[HEAD_BYTES:])
    assert not isinstance(outcome, bytes)
    return outcome


def altered(place: int, new: bytes, outcome: Outcome = GLYPH) -> bytes:
    """A reply to image 7, but for some of its bytes; those before 0 are at its end."""
    reply = bytearray(pack_reply(7, outcome))
    place %= len(reply)
    reply[place : place + len(new)] = new
    return bytes(reply)


CHARACTER = 16 + 4 * 2 + 1 + 784
"""Bytes of one character of a sheet."""


class TestReplies:
    """A decoder is not believed: it may be somebody else by now."""

    @pytest.mark.parametrize(
        "outcome",
        [GLYPH, Glyph(GLYPH.pixels), sheet(9), [], Failure(UNDECODABLE, "a ü"), Failure(TOO_LARGE, "")],
    )
    def test_outcomes_come_through(self, outcome: Outcome) -> None:
        assert plain(opened(pack_reply(7, outcome), 7)) == plain(outcome)

    def test_a_long_reason_is_cut(self) -> None:
        found = opened(pack_reply(7, Failure(UNDECODABLE, "a ü" * 300)), 7)
        assert isinstance(found, Failure)
        assert ("a ü" * 300).startswith(found.detail.rstrip("\ufffd"))
        assert opened(pack_reply(7, Failure(UNDECODABLE, "no \udcff")), 7) == Failure(
            UNDECODABLE, "no ?"
        )

    def test_as_many_characters_as_there_may_be_come_through(self) -> None:
        many = [Character(GLYPH, Box(1, 2, 3, 4), 0, 0, 0)] * MOST_SHEET
        assert len(opened(pack_reply(7, many), 7)) == MOST_SHEET
        with pytest.raises(BadReply):
            opened(pack_reply(7, [*many, many[0]]), 7)

    @pytest.mark.parametrize(
        "reply",
        {
            "another image's": pack_reply(8, GLYPH),
            "a failure that it cannot know of": pack_reply(7, Failure(WORKER_LOST, "not its to say")),
            "a code that there is not": altered(4, bytes([len(FAILURES)])),
            "a glyph of another size": pack_reply(7, GLYPH)[:5] + struct.pack("<I", 784) + bytes(784),
            "no glyph at all": struct.pack("<IBI", 7, 0, 0),
            "more glyphs than travel together": pack_glyphs(7, [GLYPH] * (BLOCK + 1)),
            "flags that there are not": altered(HEAD_BYTES, b"\x40"),
            "a sentence of a megabyte": struct.pack("<IBI", 7, 1, 1 << 20) + bytes(1 << 20),
            "half a character": struct.pack("<IBI", 7, 255, CHARACTER // 2) + bytes(CHARACTER // 2),
            "a character without width": altered(HEAD_BYTES + 8, bytes(4), sheet(3)),
            "one beyond all images": altered(HEAD_BYTES, struct.pack("<I", MOST_SIDE), sheet(3)),
            "one with unknown flags": altered(-785, b"\xff", sheet(3)),
            "lines out of order": pack_reply(7, sheet(9)[::-1]),
        }.values(),
    )
    def test_nonsense_is_refused(self, reply: bytes) -> None:
        with pytest.raises(BadReply):
            opened(reply, 7)

    @given(st.sampled_from([GLYPH, sheet(3), Failure(TOO_LARGE, "no")]), st.data())
    @settings(max_examples=300, deadline=None)
    def test_damage_is_refused_or_harmless(self, outcome: Outcome, data: st.DataObject) -> None:
        reply = bytearray(pack_reply(7, outcome))
        at = data.draw(st.integers(0, len(reply) - 1))
        reply[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
        with contextlib.suppress(BadReply):
            code, length = open_head(bytes(reply[:HEAD_BYTES]), 7)
            if length == len(reply) - HEAD_BYTES:  # else the rest is waited for, in vain
                open_body(code, bytes(reply[HEAD_BYTES:]))

    def test_what_was_said_unasked_is_no_answer(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            progress = Progress(shared())
            worker = DecoderConnection(ours, 0, progress, 1.0, lambda: None)
            theirs.sendall(pack_reply(0, GLYPH) + pack_reply(0, GLYPH))
            progress.take(3, 4)  # of an earlier request
            worker.ask(asked([b"x"]))
            assert worker.in_hand == range(1)
            assert plain(*worker.replies()) == plain(GLYPH)
            worker.ask(asked([b"y"]))
            with pytest.raises(Lost, match="nonsense"):
                worker.replies()

    def test_a_picture_has_an_end(self) -> None:
        assert open_head(struct.pack("<IBI", 7, 254, MOST_PICTURE), 7) == (254, MOST_PICTURE)
        with pytest.raises(BadReply):
            open_head(struct.pack("<IBI", 7, 254, MOST_PICTURE + 1), 7)

    @pytest.mark.parametrize(
        ("image", "reply"),
        [
            (Encoded(b"x", None), sheet(3)),
            (Encoded(b"x", None), b"a picture"),
            (Encoded(b"x", None, Layout("page")), GLYPH),
            (Encoded(b"x", None, Layout("page")), b"a picture"),
            (Encoded(b"x", None, Layout("page"), b"[]"), sheet(3)),
            (Encoded(b"x", None, Layout("line")), sheet(4)),
        ],
    )
    def test_an_answer_of_another_kind_or_size_than_was_asked_for_is_nonsense(
        self, image: Encoded, reply: Outcome | bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decoder_connection, "MOST_CHARACTERS", {"line": 3, "page": 9})
        ours, theirs = socket.socketpair()
        with ours, theirs:
            worker = DecoderConnection(ours, 0, Progress(shared()), 1.0, lambda: None)
            worker.ask([image])
            theirs.sendall(pack_reply(0, reply))
            with pytest.raises(Lost, match="nonsense"):
                worker.replies()

    def test_numbers_begin_anew_where_they_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoder_connection, "NUMBERS", 3)
        ours, theirs = socket.socketpair()
        with ours, theirs, theirs.makefile("rb") as heard:
            worker = DecoderConnection(ours, 0, Progress(shared()), 1.0, lambda: None)
            firsts = list[int]()
            for _ in range(3):
                worker.ask(asked([b"x", b"y"]))
                question = read_ask(heard)
                assert question is not None
                firsts.append(question[0])
                theirs.sendall(pack_reply(question[0], GLYPH) + pack_reply(question[0] + 1, GLYPH))
                assert [plain(*worker.replies()) for _ in "ab"] == [plain(GLYPH)] * 2
            assert firsts == [0, 0, 0]

    def test_a_sheet_may_take_longer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = chain([0.0], repeat(0.2))  # as it is asked for, and as its reply is awaited
        monkeypatch.setattr(decoder_connection, "time", SimpleNamespace(monotonic=clock.__next__))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            worker = DecoderConnection(ours, 0, Progress(shared()), 0.1, lambda: None)
            worker.ask([Encoded(b"x", None, Layout("line"))])
            theirs.sendall(pack_reply(0, sheet(3)))
            assert plain(*worker.replies()) == plain(sheet(3))

    def test_who_dribbles_runs_out_of_time(self) -> None:
        ours, theirs = socket.socketpair()
        touched: list[None] = []
        with ours, theirs:
            worker = DecoderConnection(ours, 0, Progress(shared()), 0.5, lambda: touched.append(None))
            worker.ask(asked([b"x"]))
            theirs.send(pack_reply(0, GLYPH)[:HEAD_BYTES])
            began = time.monotonic()
            stop = threading.Event()
            dribble = threading.Thread(target=lambda: _dribble(theirs, stop))
            dribble.start()
            with pytest.raises(Lost, match="too long"):
                worker.replies()
            assert time.monotonic() - began < 10  # 784 bytes would take 15
            stop.set()
            dribble.join()
        assert touched


def _dribble(wire: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        wire.send(b"\0")


class TestForkServer:
    def test_that_it_cannot_start_is_no_images_fault(
        self, monkeypatch: pytest.MonkeyPatch, files: list[bytes]
    ) -> None:
        monkeypatch.setattr(decoder_process, "PAUSE_S", 0.0)
        with decoding() as own:
            monkeypatch.setattr(fork_server.sys, "executable", "/nowhere/python")
            newest_fork_server().kill()
            with pytest.raises(NoDecoder, match="/nowhere/python"):
                told(own, asked(files))
        with pytest.raises(NoDecoder), decoding():
            pass

    def test_who_cannot_enter_the_sandbox_sees_no_image(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(decoder_process, "PAUSE_S", 0.0)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        with pytest.raises(NoDecoder, match="before it had seen an image"), decoding(max_pixels=1 << 62):
            pass
        assert "OverflowError" in capfd.readouterr().err
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == limit

    def test_nothing_is_left_when_it_is_closed(self) -> None:
        with decoding() as own:
            family = [newest_fork_server(), decoder_of(own)]
        assert not psutil.wait_procs(family, 0)[1]

    @pytest.mark.parametrize("kind", ["", "spin", "sleep"])
    def test_it_dies_with_a_worker_that_is_killed(self, kind: str, tmp_path: Path) -> None:
        png = tmp_path / "image.png"
        drawing = pngs(1, np.random.default_rng(7))[0]
        png.write_bytes(armed(drawing, kind) if kind else drawing)
        code = (
            "import sys; from worker.decoding.decoder import Decoder, Encoded\n"
            "made = Decoder(10**6, 100.0); made.wait_ready(); print('ready', flush=True)\n"
            "made.read([Encoded(open(sys.argv[1], 'rb').read(), None)] * 10**6)"
        )
        with failpoints():
            worker = subprocess.Popen([sys.executable, "-c", code, png], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        with worker, worker.stdout:
            worker.stdout.readline()
            family = psutil.Process(worker.pid).children(recursive=True)
            assert len(family) == 2
            time.sleep(0.1)
            worker.send_signal(signal.SIGKILL)
        assert not psutil.wait_procs(family, 20)[1]
