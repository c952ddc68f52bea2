"""What a client may ask of a job and of an answer, and what it may not."""

import json

from .asking import got, told, uploaded
from .cases import cases
from .stage import GOOD

PNG = GOOD["good-0.png"]
INVALID, FORBIDDEN = "422 invalid-parameter", "422 webhook-url-forbidden"
TAKEN = "202"  # a field of a form that was left empty

OPTIONS = {
    "top_k=0": INVALID,
    "top_k=11": INVALID,
    "top_k=three": INVALID,
    "top_k=1.5": INVALID,
    "top_k=": TAKEN,
    "top_k=%D9%A3": INVALID,
    "top_k=" + "9" * 5000: INVALID,
    "top_k=1&top_k=2": INVALID,
    "charset=%C3%A9": "422 invalid-charset",
    "charset=": TAKEN,
    "charset=%00": "422 invalid-charset",
    "charset=" + "%F0%9F%98%80" * 100: "422 invalid-charset",
    "charset=" + "0" * 101: INVALID,
    "callback_url=": TAKEN,
    "callback_url=http://example.org/": FORBIDDEN,
    "callback_url=https://127.0.0.1/": FORBIDDEN,
    "callback_url=https://redis/": FORBIDDEN,
    "callback_url=https://example.org:6379/": FORBIDDEN,
    "callback_url=https://" + "a" * 20_000: FORBIDDEN,
    "model=nope": "422 unknown-model",
    "model=": TAKEN,
    "model=../balanced": "422 unknown-model",
    "model=%00%1b[2J": "422 unknown-model",
    "model=" + "x" * 20_000: "422 unknown-model",
    "normalize=maybe": INVALID,
    "priority=urgent": INVALID,
    "keep_images=perhaps": INVALID,
    "metadata={": INVALID,
    "metadata=[1]": INVALID,
    'metadata={"a":1}': INVALID,
    'metadata={"a":"\\ud800"}': INVALID,
    'metadata={"a":"b","a":"c"}': INVALID,
    "metadata=" + "[" * 20_000: INVALID,
    "metadata=" + "[" * 1010 + "]" * 1010: INVALID,
    "metadata=" + json.dumps({"x" * 65: "a"}): INVALID,
    "metadata=" + json.dumps({"a": "x" * 513}): INVALID,
    "metadata=" + json.dumps({str(number): "a" for number in range(17)}): INVALID,
    "expires_in=9": INVALID,
    "expires_in=-1": INVALID,
    "expires_in=nan": INVALID,
    "expires_in=604801": INVALID,
    "expires_in=" + "9" * 400: INVALID,
    "x" * 20_000 + "=1": INVALID,
    "%00=%ff": INVALID,
    "&".join(f"top_k={1 + number % 2}" for number in range(3000)): INVALID,
}
"""Queries of an otherwise good submission."""

ANSWERS = {
    "/v1/jobs/{job}/results?only=good": INVALID,
    "/v1/jobs/{job}/results?format=xml": INVALID,
    "/v1/jobs/{job}/export?what=nothing": INVALID,
    "/v1/jobs/{job}/export?images=all": INVALID,
    "/v1/jobs/{job}/export": "422 nothing-to-export",
    "/v1/jobs/{job}/events?results=perhaps": INVALID,
}

RETRY, LABEL, LABELS = (
    "/v1/jobs/{job}/retry",
    "/v1/jobs/{job}/items/0/correction",
    "/v1/jobs/{job}/corrections",
)
JSON = "application/json"

TABLE = {
    "an option of a job": {
        query[:40]: (uploaded("image/png", PNG, "/v1/jobs?" + query.replace(" ", "%20")), expected)
        for query, expected in OPTIONS.items()
    },
    "an option of an answer": {path[14:]: (got(path), expected) for path, expected in ANSWERS.items()}
    | {
        "another type": (got("/v1/jobs/{job}/results", Accept="text/html"), "406 not-acceptable"),
        "a type of nonsense": (got("/v1/jobs/{job}/results", Accept="\xff;q=x"), "406 not-acceptable"),
    },
    "a payload": {
        "a retry of half an object": (uploaded(JSON, b"{", RETRY), INVALID),
        "a retry of a list": (uploaded(JSON, b"[]", RETRY), INVALID),
        "a retry of text": (uploaded(JSON, b'"x"', RETRY), INVALID),
        "a retry of all": (told(RETRY, {"only": "all"}), INVALID),
        "a retry of what did not fail": (told(RETRY, {}), "422 nothing-to-retry"),
        "one behind a byte order mark": (
            uploaded(JSON, b"\xef\xbb\xbf{}", RETRY),
            "422 nothing-to-retry",
        ),
        "a retry by a long name": (told(RETRY, {"x" * 4000: 1}), INVALID),
        "a retry of 20 MB": (uploaded(JSON, b" " * (20 << 20), RETRY), "413 body-too-large"),
        "a deep retry": (uploaded(JSON, b"[" * 4000, RETRY), INVALID),
        "a label of two": (told(LABEL, {"label": "ab"}, "PATCH"), "422 invalid-label"),
        "a label of none": (told(LABEL, {"label": ""}, "PATCH"), "422 invalid-label"),
        "a label of elsewhere": (told(LABEL, {"label": "\u00e9"}, "PATCH"), "422 invalid-label"),
        "a label that is a number": (told(LABEL, {"label": 7}, "PATCH"), INVALID),
        "no labels": (told(LABELS, {"labels": {}}, "PATCH"), INVALID),
        "labels of 1,001": (told(LABELS, {"labels": dict.fromkeys(range(1001), "7")}, "PATCH"), INVALID),
        "a label before the first": (told(LABELS, {"labels": {"-1": "7"}}, "PATCH"), INVALID),
        "a label beyond the end": (told(LABELS, {"labels": {"3": "7"}}, "PATCH"), "404 not-found"),
    },
}

CASES = list(cases("parameters", TABLE))
