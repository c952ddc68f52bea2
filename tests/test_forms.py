"""Forms and documents: what multipart, JSON and NDJSON bodies bring, and what they cannot do."""

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import orjson
import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message

from api.intake.documents import read_json, read_ndjson
from api.intake.forms import Intake, open_body, receive
from api.intake.multiparts import read_form
from api.intake.sources import NamedImage
from api.intake.spool import IN_MEMORY, Spool
from api.problems import Problem
from api.settings import MIB, GatewaySettings

from hostile_files import file_part, part
from samples import drawings, tiff_of

TYPE = "multipart/form-data; boundary=b"
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\'), min_size=1)
IMAGE = base64.b64encode(b"\x89PNG pixels").decode()
SMALL = GatewaySettings(max_image_bytes=100)

Files = list[tuple[str, bytes]]
Fields = list[tuple[str, str]]
Reader = Callable[[memoryview, GatewaySettings], Iterator[NamedImage]]


def read(body: bytes, content_type: str = TYPE) -> tuple[Files, Fields]:
    """The files and fields of a form."""
    with Spool() as spool:
        spool.write(body)
        form = read_form(spool.view(), content_type, most_files=5)
        return [(name, bytes(data)) for name, data in form.files], form.fields


def refusal(body: bytes, content_type: str = TYPE) -> Problem:
    with pytest.raises(Problem) as caught:
        read(body, content_type)
    return caught.value


class TestForms:
    @given(
        files=st.lists(st.tuples(NAMES, st.binary(max_size=300)), min_size=1, max_size=5),
        fields=st.dictionaries(NAMES, NAMES, max_size=5),
    )
    @settings(max_examples=150, deadline=None)
    def test_what_a_client_writes_is_read_equal(self, files: Files, fields: dict[str, str]) -> None:
        uploads = [("files", each) for each in files]
        request = httpx.Request("POST", "http://here", files=uploads, data=fields)
        found = read(request.read(), request.headers["content-type"])
        assert found == (files, list(fields.items()))

    @pytest.mark.parametrize("size", [IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY])
    def test_large_files_are_unchanged(self, size: int) -> None:
        data = bytes(range(251)) * (size // 251 + 1)
        first, second = read(file_part("a", data) + file_part("b", b"small") + b"--b--")[0]
        assert first == ("a", data)
        assert second == ("b", b"small")

    def test_a_field_where_no_file_was_chosen_is_no_file(self) -> None:
        assert read(file_part("") + b"--b--") == ([], [])
        assert read(file_part("", b"data") + b"--b--")[0] == [("", b"data")]
        assert read(file_part("a") + b"--b--")[0] == [("a", b"")]

    def test_what_is_no_text_is_replaced(self) -> None:
        body = file_part("~.png") + part('name="~"', b"~") + b"--b--"
        files, fields = read(body.replace(b"~", b"\xff"))
        assert files == [("\N{REPLACEMENT CHARACTER}.png", b"")]
        assert fields == [("\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}")]

    @pytest.mark.parametrize("boundary", ["", ";", "; boundary=", f"; boundary={'b' * 300}"])
    def test_a_boundary_is_needed(self, boundary: str) -> None:
        assert refusal(b"--b--", f"multipart/form-data{boundary}").slug == "malformed-multipart"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no form at all",
            b"preamble" + file_part("a") + b"--b--",
            b"preamble" + file_part("a") + file_part("b") + b"--b--",
            b"\n" + file_part("a") + file_part("b") + b"--b--",
            b"preamble\r\n--boundary\r\n" + file_part("a") + b"--b--",
            file_part("a", b"data").removeprefix(b"--b\r\n") + file_part("b") + b"--b--",
            b"x" * 8192 + b"\r\n" + file_part("a") + b"--b--",
            file_part("a", b"\r\n--boundary") + b"--b--",
            file_part("a", b"\r\n--b--\r\ndata") + b"--b--",
            file_part("a", b"data"),
            file_part("a", b"data")[:-9],
            b"--b\r\n",
            b"--b\r\nContent-Disposition: form-data; name=",
            b"--b\r\n\r\ndata\r\n--b--",
            part('filename="a.png"', b"data") + b"--b--",
            part('name="files"; filename="a"', b"", "X: " + "x" * 65_536 + "\r\n") + b"--b--",
            part('name="files"; filename="a"', b"", "X: many headers\r\n" * 500) + b"--b--",
            part(f'name="files"; filename="{"a" * 65_536}"') + b"--b--",
            part('name="metadata"', b"x" * 65_537) + b"--b--",
            part('name="metadata"') * 101 + b"--b--",
        ],
    )
    def test_a_malformed_form_is_refused(self, body: bytes) -> None:
        assert refusal(body).slug == "malformed-multipart"

    def test_as_many_and_as_long_fields_as_are_allowed_are_read(self) -> None:
        many = part('name="metadata"') * 99 + part('name="metadata"', b"x" * 65_536) + b"--b--\r\n \r\n"
        assert [len(value) for _, value in read(many)[1]] == [0] * 99 + [65_536]

    def test_a_form_that_was_cut_off_is_refused_wherever_it_was(self) -> None:
        whole = file_part("a", b"first") + file_part("b", b"second") + b"--b--"
        for size in range(len(whole)):
            assert refusal(whole[:size]).slug == "malformed-multipart"

    @pytest.mark.parametrize("preamble", [b"", b"This is a message\r\nin MIME format.", b"x" * 8000])
    def test_what_precedes_the_first_boundary_is_ignored(self, preamble: bytes) -> None:
        body = file_part("a", b"data") + part('name="model"', b"digits") + b"--b--"
        assert read(preamble + b"\r\n" + body) == ([("a", b"data")], [("model", "digits")])

    def test_too_many_files_are_told_what_to_do(self) -> None:
        assert len(read(file_part("a") * 5 + b"--b--")[0]) == 5
        problem = refusal(file_part("a") * 6 + b"--b--")
        assert problem.slug == "too-many-files"
        assert "ZIP" in problem.detail

    @pytest.mark.parametrize(
        ("names", "name"),
        [
            ("filename=a.png; filename*=utf-8''b.png", "a.png"),
            ("filename=\"=?utf-8?B?w6QucG5n?=\"; filename*=utf-8''%C3%A4.png", "ä.png"),
            ("filename*=UTF-8'en'%C3%A4%2Fb.png; x=y", "ä/b.png"),
            ("filename*=\"utf-8''%ff\"", "\N{REPLACEMENT CHARACTER}"),
            ("filename=\"=?\"; filename*=latin-1''%E4", "=?"),
            ("filename=\"=?; filename*=utf-8''evil.png\"", "=?; filename*=utf-8''evil.png"),
        ],
    )
    def test_an_extended_name_counts_where_the_plain_one_says_nothing(
        self, names: str, name: str
    ) -> None:
        body = part(f'name="files"; {names}', b"data") + b"--b--"
        assert read(body) == ([(name, b"data")], [])

    def test_files_that_were_not_chosen_count(self) -> None:
        assert read(file_part("") * 105 + b"--b--") == ([], [])
        assert refusal(file_part("") * 106 + b"--b--").slug == "too-many-files"

    @pytest.mark.parametrize("filling", [b"\r\n", b"\r", b"\r\n--", b"\r\n--b-", b"\r\n--b\r\n", b"--b"])
    def test_thirty_megabytes_of_near_boundaries_take_no_seconds(self, filling: bytes) -> None:
        body = file_part("a", filling * (30 * MIB // len(filling))) + b"--b--"
        start = time.process_time()
        with contextlib.suppress(Problem):
            read(body)
        assert time.process_time() - start < 2

    @given(st.binary(max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_no_bytes_do_anything_else(self, body: bytes) -> None:
        with contextlib.suppress(Problem):
            read(b"--b\r\n" + body)


def images_of_json(body: object) -> list[tuple[str, bytes]]:
    view = memoryview(body if isinstance(body, bytes) else orjson.dumps(body))
    return [(each.name, bytes(each.file)) for each in read_json(view, SMALL)[0]]


def json_refusal(body: object) -> Problem:
    with pytest.raises(Problem) as caught:
        images_of_json(body)
    return caught.value


class TestJson:
    def test_images_and_options_are_read(self) -> None:
        body = {
            "images": [{"image": IMAGE, "custom_id": "a"}, {"image": IMAGE}],
            "top_k": 3,
            "model": "x",
        }
        assert images_of_json(body) == [("a", b"\x89PNG pixels"), ("", b"\x89PNG pixels")]
        assert read_json(memoryview(orjson.dumps(body)), SMALL)[1] == [("top_k", "3"), ("model", "x")]

    def test_an_option_that_is_null_is_not_given(self) -> None:
        body = orjson.dumps({"images": [{"image": IMAGE}], "charset": None})
        assert read_json(memoryview(body), SMALL)[1] == []

    @pytest.mark.parametrize(
        "option",
        [
            {"top_k": "3"},
            {"top_k": 3.0},
            {"top_k": True},
            {"keep_images": 0},
            {"keep_images": "yes"},
            {"charset": ["digits"]},
            {"metadata": {"a": 1}},
            {"expires_in": "60"},
        ],
    )
    def test_an_option_of_another_type_is_refused(self, option: dict[str, object]) -> None:
        problem = json_refusal({"images": [{"image": IMAGE}]} | option)
        assert problem.slug == "invalid-parameter"
        assert problem.detail.startswith(next(iter(option)))

    @pytest.mark.parametrize("none", [None, ""])
    def test_what_is_null_or_empty_is_not_given(self, none: str | None) -> None:
        body = orjson.dumps({"images": [{"image": IMAGE, "custom_id": none, "charset": none}]})
        ((name, _, charset),) = read_json(memoryview(body), SMALL)[0]
        assert (name, charset) == ("", None)

    def test_an_image_may_be_as_large_as_is_allowed(self) -> None:
        largest = base64.b64encode(bytes(100)).decode()
        assert images_of_json({"images": [{"image": largest}]}) == [("", bytes(100))]

    @pytest.mark.parametrize(
        "given", ["a\\b", "/x", "C:/x", "https://x/../y", "\x00\n\u2028", "x" * 255]
    )
    def test_a_custom_id_is_kept_as_it_is(self, given: str) -> None:
        assert images_of_json({"images": [{"image": IMAGE, "custom_id": given}]})[0][0] == given

    def test_a_custom_id_is_not_cut(self) -> None:
        problem = json_refusal({"images": [{"image": IMAGE, "custom_id": "x" * 256}]})
        assert problem.detail == "/images/0: a custom_id has at most 255 characters."

    def test_a_byte_order_mark_is_no_part_of_a_document(self) -> None:
        body = b"\xef\xbb\xbf" + orjson.dumps({"image": IMAGE})
        assert len(list(read_ndjson(memoryview(body), SMALL))) == 1
        body = b"\xef\xbb\xbf" + orjson.dumps({"images": [{"image": IMAGE}]})
        assert len(images_of_json(body)) == 1

    @pytest.mark.parametrize("reader", [read_ndjson, lambda view, limits: read_json(view, limits)[0]])
    def test_each_page_of_a_tiff_is_an_image(self, reader: Reader) -> None:
        whole = tiff_of(drawings(3, np.random.default_rng(7)))
        item = {"image": base64.b64encode(whole).decode(), "custom_id": "a", "charset": "01"}
        body = item if reader is read_ndjson else {"images": [item]}
        found = list(reader(memoryview(orjson.dumps(body)), GatewaySettings()))
        assert [(each.name, each.charset) for each in found] == [(f"a#{n}", "01") for n in (1, 2, 3)]
        with pytest.raises(Problem) as caught:
            list(reader(memoryview(orjson.dumps(body)), GatewaySettings(max_tiff_pages=2)))
        assert caught.value.slug == "too-many-images"
        assert caught.value.detail.startswith(("line 1: ", "/images/0: "))

    def test_a_data_uri_is_an_image(self) -> None:
        body = {"images": [{"image": f"data:image/png;base64,{IMAGE}"}]}
        assert images_of_json(body) == [("", b"\x89PNG pixels")]

    @pytest.mark.parametrize(
        ("body", "slug"),
        [
            (b"{", "malformed-json"),
            (b"\xef\xbb\xbf{}", "malformed-json"),
            (b'{"images": []} more', "malformed-json"),
            (b'{"images": [NaN]}', "malformed-json"),
            (b"[" * 100_000, "malformed-json"),
            (b'{"images": ' + b"[" * 100_000, "malformed-json"),
            (b'{"a":' * 100_000, "malformed-json"),
            (b'{"images": ["\\ud800"]}', "malformed-json"),
            (b'{"images": ["\xff"]}', "malformed-json"),
            (b'"images"', "malformed-json"),
            ([IMAGE], "malformed-json"),
            ({}, "malformed-json"),
            ({"images": IMAGE}, "malformed-json"),
            ({"images": [IMAGE]}, "malformed-json"),
            ({"images": [{"pixels": IMAGE}]}, "malformed-json"),
            ({"images": [{"image": IMAGE, "more": 1}]}, "malformed-json"),
            ({"images": [{"image": 7}]}, "malformed-json"),
            ({"images": [{"image": None}]}, "malformed-json"),
            ({"images": [{"image": IMAGE, "custom_id": 7}]}, "malformed-json"),
            ({"images": [{"image": "not base64"}]}, "malformed-json"),
            ({"images": [{"image": IMAGE[:-1]}]}, "malformed-json"),
            ({"images": [{"image": IMAGE + "\n"}]}, "malformed-json"),
            ({"images": [{"image": "é" * 4}]}, "malformed-json"),
            ({"images": []}, "no-images"),
            ({"images": [{"image": "A" * 400}]}, "file-too-large"),
        ],
    )
    def test_a_wrong_document_is_refused(self, body: object, slug: str) -> None:
        assert json_refusal(body).slug == slug

    @pytest.mark.parametrize("value", [b"{}", b"1"])
    def test_a_small_document_does_not_become_a_large_one(self, value: bytes) -> None:
        body = b'{"images":[' + b",".join([value] * 10_000_000) + b"]}"
        start = time.process_time()
        assert json_refusal(body).slug == "malformed-json"
        assert time.process_time() - start < 0.5

    def test_an_option_that_is_deep_is_refused(self) -> None:
        deep = b"[" * 500 + b"]" * 500
        assert json_refusal(b'{"images": [{}], "metadata": ' + deep + b"}").slug == "invalid-parameter"

    def test_the_bad_image_is_named(self) -> None:
        problem = json_refusal({"images": [{"image": IMAGE}, {"image": "?"}]})
        assert problem.detail.startswith("/images/1:")

    @pytest.mark.parametrize("line", [b"{", b"{}", b'"text"', b'{"image": "?"}', b"\xff"])
    def test_the_bad_line_is_named(self, line: bytes) -> None:
        good = orjson.dumps({"image": IMAGE})
        body = b"\n".join([good, b"", good + b"\r", line, good])
        with pytest.raises(Problem) as caught:
            list(read_ndjson(memoryview(body), SMALL))
        assert caught.value.slug == "malformed-json"
        assert caught.value.detail.startswith("line 4:")

    def test_lines_are_read_one_by_one(self) -> None:
        good = orjson.dumps({"image": IMAGE})
        lines = read_ndjson(memoryview(b"\n".join([good, b"", good, b"", b"{"])), SMALL)
        assert [next(lines).file for _ in range(2)] == [b"\x89PNG pixels"] * 2
        with pytest.raises(Problem):
            next(lines)


PNG = b"\x89PNG\r\n\x1a\n and more"


def received(kind: str, *pieces: bytes | None, **limits: int) -> tuple[int, Intake]:
    """What must be held of a body that comes in pieces, and what it brings; None: its sender is gone."""
    limited = GatewaySettings(**limits)

    async def work() -> tuple[int, Intake]:
        messages = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
            if piece is not None
            else {"type": "http.disconnect"}
            for number, piece in enumerate(pieces, 1)
        ]

        async def receive_next() -> Message:
            return messages.pop(0)

        headers = [(b"content-type", kind.encode())]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive_next)
        with Spool() as spool:
            held = await receive(request, spool, limited, lambda size: None)
            return held, await open_body(request, spool, limited)

    return asyncio.run(work())


class TestReceiving:
    def test_of_a_body_in_pieces_only_json_is_held(self) -> None:
        body = orjson.dumps({"images": [{"image": IMAGE}]})
        for kind, held in (("application/json", len(body)), ("application/x-ndjson", len(body))):
            assert received(kind, body[:9], body[9:])[0] == held
        held, intake = received("image/png", PNG[:3], PNG[3:])
        assert (held, intake.single) == (0, PNG)

    def test_what_a_sender_left_unfinished_is_nothing(self) -> None:
        with pytest.raises(ClientDisconnect):
            received("image/png", PNG, None)

    def test_json_has_a_limit_of_its_own(self) -> None:
        for kind, most in (("application/json", 9), ("image/png", 99)):
            with pytest.raises(Problem) as caught:
                received(kind, PNG, bytes(99), max_json_bytes=9, max_body_bytes=99)
            assert (caught.value.slug, caught.value.extra) == ("body-too-large", {"limit": most})

    def test_a_small_image_may_be_too_large_as_well(self) -> None:
        _, intake = received("image/png", PNG, max_image_bytes=len(PNG) - 1)
        assert intake.single is None
        with pytest.raises(Problem) as caught:
            list(intake.parts)
        assert caught.value.slug == "file-too-large"
