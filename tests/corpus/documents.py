"""JSON and NDJSON, and bodies without a type or of another one."""

import json

from .asking import submit, uploaded
from .cases import Ask, cases
from .images import alone
from .stage import GOOD, Stage
from hostile_files import npy
from samples import json_of

JSON, NDJSON, NPY = "application/json", "application/x-ndjson", "application/x-npy"
PNG = GOOD["good-0.png"]
BROKEN, UNREAD, NOTHING = "400 malformed-json", "415 unsupported-media-type", "422 empty-body"
INVALID = "422 invalid-parameter"
PICKLED = "422 pickled-array"
TWO = b'{"images": [{"image": ""}], '


def document(body: bytes) -> Ask:
    """A POST of JSON."""
    return uploaded(JSON, body)


def image(value: bytes) -> Ask:
    """A POST of a JSON document with one image, given as JSON."""
    return document(b'{"images": [{"image": ' + value + b"}]}")


def charset_of(charset: str) -> bytes:
    """A JSON document with an image that has its own charset."""
    return json.dumps({"images": [{"image": BASE64, "charset": charset}]}).encode()


def taken(body: bytes) -> Ask:
    """Send JSON that is accepted all the same; how many of its images are read."""

    def ask(stage: Stage) -> str:
        return f"{submit(stage, JSON, body)['counts']['succeeded']} read"

    return ask


GOOD_JSON = json_of({"a": PNG})
BASE64 = json.loads(GOOD_JSON)["images"][0]["image"]

TABLE = {
    "an odd Content-Type": {
        "none": (uploaded("", PNG), UNREAD),
        "XML": (uploaded("text/xml", b"<a/>"), UNREAD),
        "a long one": (uploaded("text/" + "x" * 8000, PNG), UNREAD),
        "a form of a page": (uploaded("application/x-www-form-urlencoded", b"a=b"), UNREAD),
        "a tar": (uploaded("application/x-tar", PNG), UNREAD),
        "no ASCII": (uploaded("\xff/\xfe", PNG), UNREAD),
        "only parameters": (uploaded("; boundary=b", PNG), UNREAD),
        "JSON in UTF-16": (
            uploaded(f"{JSON}; charset=utf-16", GOOD_JSON.decode().encode("utf-16")),
            BROKEN,
        ),
        # JSON is UTF-8 (RFC 8259), and a charset beside it means nothing.
        "JSON of another charset": (uploaded(f"{JSON}; charset=latin-1", GOOD_JSON), "202"),
    },
    "an empty body": {
        kind or "no type": (uploaded(kind, b""), NOTHING)
        for kind in (
            JSON,
            NDJSON,
            NPY,
            "image/png",
            "application/zip",
            "multipart/form-data; boundary=b",
        )
    },
    "broken JSON": {
        "cut off": (document(b'{"images": ['), BROKEN),
        "a list": (document(b"[]"), BROKEN),
        "text": (document(b'"images"'), BROKEN),
        "null": (document(b"null"), BROKEN),
        "a byte order mark, which may be ignored": (document(b"\xef\xbb\xbf" + GOOD_JSON), "202"),
        "more behind it": (document(GOOD_JSON + b"{}"), BROKEN),
        "a comment": (document(b"{} // images"), BROKEN),
        "single quotes": (document(b"{'images': []}"), BROKEN),
        "no list": (document(b'{"images": 1}'), BROKEN),
        "a list of texts": (document(b'{"images": ["iVBORw0KGgo="]}'), BROKEN),
        "an empty list": (document(b'{"images": []}'), "422 no-images"),
        "a bad line": (uploaded(NDJSON, b'{"image": ""}\n{"image": ""}\n{oops\n'), BROKEN),
        "a line of an array": (uploaded(NDJSON, b"[]\n"), BROKEN),
        "blank lines": (uploaded(NDJSON, b"\n\n\n"), "422 no-images"),
        "zeros": (document(bytes(5000)), BROKEN),
    },
    "deep JSON": {
        "100,000 lists": (document(b"[" * 100_000), BROKEN),
        "100,000 objects": (document(b'{"a":' * 100_000), BROKEN),
        "in an option": (document(TWO + b'"metadata": ' + b"[" * 500 + b"]" * 500 + b"}"), INVALID),
        "in an image": (image(b"[" * 1000 + b"]" * 1000), BROKEN),
        "in a line": (uploaded(NDJSON, b"[" * 100_000), BROKEN),
        "5 million objects": (
            uploaded(JSON, lambda: b'{"images":[' + b"{}," * 5_000_000 + b"1]}"),
            BROKEN,
        ),
    },
    "a name given twice": {
        # One of them would be lost silently.
        "images": (document(TWO + GOOD_JSON[1:]), BROKEN),
        "an image": (document(b'{"images": [{"image": "", "image": "eA=="}]}'), BROKEN),
        "an option": (document(TWO + b'"top_k": 1, "top_k": 2}'), BROKEN),
        "in a line": (uploaded(NDJSON, b'{"image": "", "image": "eA=="}\n'), BROKEN),
        "written differently": (document(b'{"images": [{"image": "", "im\\u0061ge": ""}]}'), BROKEN),
    },
    "numbers that JSON has not": {
        "NaN": (image(b"NaN"), BROKEN),
        "Infinity": (image(b"-Infinity"), BROKEN),
        "1e400": (image(b"1e400"), BROKEN),
        "1e400 for an option": (document(TWO + b'"top_k": 1e400}'), BROKEN),
    },
    "an integer of 5,000 digits": {
        "an option": (document(TWO + b'"top_k": ' + b"9" * 5000 + b"}"), BROKEN),
        "an image": (image(b"9" * 5000), BROKEN),
    },
    "pixels as numbers": {
        # Pixels come as files, .npy or IDX; a list of numbers is no image.
        name: (image(json.dumps(pixels).encode()), BROKEN)
        for name, pixels in {
            "784": [0] * 784,
            "783": [0] * 783,
            "rows": [[0] * 28] * 28,
            "ragged": [[0] * 28, [0]],
            "texts": ["0"] * 784,
            "negative": [-1] * 784,
            "booleans": [True] * 784,
            "null": None,
        }.items()
    },
    "too many images": {
        "JSON": (
            uploaded(JSON, json_of({str(at): b"" for at in range(101)}), at="strict"),
            "413 too-many-images",
        ),
        "lines": (uploaded(NDJSON, b'{"image": ""}\n' * 101, at="strict"), "413 too-many-images"),
        "an array": (
            uploaded(NPY, npy("'|u1'", "(101, 28, 28)", bytes(101 * 784)), at="strict"),
            "413 too-many-images",
        ),
    },
    "broken base64": {
        "another alphabet": (image(b'"%%%"'), BROKEN),
        "one of URLs": (image(b'"-_-_"'), BROKEN),
        "a space": (image(b'"eA ="'), BROKEN),
        "a line break": (image(b'"eA=\\n="'), BROKEN),
        "no padding": (image(b'"eA"'), BROKEN),
        "no ASCII": (image('"\u0660\u0661\u0662\u0663"'.encode()), BROKEN),
        "padding inside": (image(b'"eA==eA=="'), BROKEN),
        "an address": (image(b'"https://127.0.0.1/a.png"'), BROKEN),
        "a data URI": (
            taken(json_of({"a": PNG}).replace(b'"iVB', b'"data:image/png;base64,iVB')),
            "1 read",
        ),
        "a data URI of nothing": (image(b'"data:,"'), "202"),
    },
    "broken text": {
        "a lone surrogate": (document(b'{"images": [{"image": "", "custom_id": "\\ud800"}]}'), BROKEN),
        "a surrogate of a name": (document(b'{"images": [{"\\ud800": ""}]}'), BROKEN),
        "no UTF-8": (document(b'{"images": [{"image": "", "custom_id": "\xff"}]}'), BROKEN),
        "an overlong slash": (document(b'{"images": [{"image": "", "custom_id": "\xc0\xaf"}]}'), BROKEN),
        "a raw line break": (document(b'{"images": [{"image": "", "custom_id": "\n"}]}'), BROKEN),
    },
    "odd names of members": {
        "__proto__": (document(TWO + b'"__proto__": {}}'), "422 invalid-parameter"),
        "a tenant": (document(json_of(GOOD, tenant="root")), "422 invalid-parameter"),
        "20 KB": (document(TWO + b'"' + b"x" * 20_000 + b'": 1}'), "422 invalid-parameter"),
        "of an image": (document(b'{"images": [{"image": "", "url": "x"}]}'), BROKEN),
        "no name": (document(TWO + b'"": 1}'), "422 invalid-parameter"),
        "an id like a path": (document(json_of({"../a": PNG})), "202"),
        "an id that is a number": (document(b'{"images": [{"image": "", "custom_id": 7}]}'), BROKEN),
        "a charset that is a number": (document(b'{"images": [{"image": "", "charset": 7}]}'), BROKEN),
        "a charset of 101": (document(charset_of("0" * 101)), BROKEN),
        "a charset of elsewhere": (document(charset_of("\u00e9")), "422 invalid-charset"),
        "a charset of nothing": (document(charset_of("")), "202"),
        "an option out of its range": (document(json_of(GOOD, top_k=99)), "422 invalid-parameter"),
        "an object for a name": (document(json_of(GOOD, model={"a": 1})), INVALID),
        "65 MB": (uploaded(JSON, lambda: b" " * (65 << 20)), "413 body-too-large"),
        "a 17 MB image": (uploaded(JSON, lambda: json_of({"a": bytes(17 << 20)})), "413 body-too-large"),
    },
    "an array of objects": {
        "objects": (uploaded(NPY, npy("'|O'", "(1,)", b"\x80\4cos\nabort\n.")), PICKLED),
        "objects of another order": (uploaded(NPY, npy("'>O8'", "(1, 28, 28)", b"\x80\4.")), PICKLED),
        "a record with one": (
            uploaded(NPY, npy("[('a', '|u1'), ('b', 'O')]", "(1,)", b"\x80\4.")),
            "422 array-invalid",
        ),
    },
    "an array that claims too much": {
        name: (uploaded(NPY, npy("'|u1'", shape, bytes(784))), "422 array-invalid")
        for name, shape in {
            "10^9 x 10^9": "(1000000000, 1000000000)",
            "10^9 images": "(1000000000, 28, 28)",
            "10^999 images": f"({10**999}, 28, 28)",
            "infinitely many": "(1e999, 28, 28)",
            "fewer than none": "(-1, 28, 28)",
            "a call": "(__import__('os').abort(), 28, 28)",
        }.items()
    },
    "a pickle for an image": {
        "a pickle": (alone(b"\x80\4cos\nabort\n."), "422 undecodable-image"),
        "an old pickle": (alone(b"cos\nabort\n(tR."), "422 undecodable-image"),
        "joblib": (alone(b"\x80\4\x95\x1e\0\0\0\0\0\0\0\x8c\x06joblib\x94."), "422 undecodable-image"),
        "on its own": (
            uploaded("application/octet-stream", b"\x80\4cos\nabort\n."),
            "422 unknown-format",
        ),
        "among lines": (
            uploaded(NDJSON, b'{"image": "gARjb3MKYWJvcnQKLg=="}\n'),
            "202",  # an image that fails
        ),
    },
}

CASES = list(cases("json", TABLE))
