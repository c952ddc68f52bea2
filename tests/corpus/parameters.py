"""What a client may ask of a job and of an answer, in path, query and headers, and what it may not."""

import json

from .asking import asked, got, told, uploaded
from .cases import cases
from .stage import GOOD

PNG = GOOD["good-0.png"]
INVALID, FORBIDDEN = "422 invalid-parameter", "422 webhook-url-forbidden"
TAKEN = "202"  # a field of a form that was left empty
NO_JOB, NO_EVENT = "404 not-found", "400 invalid-event-id"
UNKNOWN = "job_" + "0" * 32

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
JSON, IMAGE = "application/json", {"Content-Type": "image/png"}

IDS = (
    *("%00", "a%00b", "a%0Ab", "a%0A", "a*b", "%FF%FE", "%D9%A3", "a.b", "a+b", "%7B%7D"),
    *("'%20OR%201=1", "x" * 65, "y" * 300, "z" * 20_000),
)
"""No job can have these ids."""

PAGES = {
    "/v1/jobs": (
        *("?cursor=abc", "?cursor=-1", "?cursor=%D9%A3", "?cursor=" + "9" * 30, "?cursor=%2Binf"),
        *("?limit=0", "?limit=101", "?limit=1e9", "?limit=x", "?limit=", "?state=lost"),
        *("?state=" + "x" * 20_000, "?cursor=%00", "?cursor="),
    ),
    "/v1/jobs/{job}": (
        *("/results?cursor=-1", "/results?cursor=x", "/results?cursor=" + "9" * 5000),
        *("/results?limit=0", "/results?limit=1001", "/results?limit=1000000000"),
        *("?wait=-1", "?wait=x", "?wait=nan", "?wait=inf", "/export?limit=0", "/export?cursor=-1"),
    ),
}
"""Odd pages and waits, by what is asked for."""

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
        "a label beyond the end": (told(LABELS, {"labels": {"3": "7"}}, "PATCH"), NO_JOB),
    },
    "an id that is none": {
        "one more digit": (got("/v1/jobs/" + UNKNOWN + "0"), NO_JOB),
        "unknown": (got(f"/v1/jobs/{UNKNOWN}"), NO_JOB),
        "upper case": (got("/v1/jobs/JOB_" + "A" * 32), NO_JOB),
        "a way out": (got("/v1/jobs/{job}/../../healthz"), NO_JOB),
        **{name[:20]: (got(f"/v1/jobs/{name}"), INVALID) for name in IDS},
        "to put": (asked("PUT", "/v1/jobs/a.b", IMAGE, PNG), INVALID),
        "to put, long": (asked("PUT", "/v1/jobs/" + "x" * 65, IMAGE, PNG), INVALID),
        "to cancel": (asked("POST", "/v1/jobs/a%00b/cancel"), INVALID),
        "to delete": (asked("DELETE", "/v1/jobs/a%00b"), INVALID),
        "an item before the first": (got("/v1/jobs/{job}/items/-1"), INVALID),
        "half an item": (got("/v1/jobs/{job}/items/1.5"), INVALID),
        "an item beyond the end": (got("/v1/jobs/{job}/items/3"), NO_JOB),
        "an item far beyond": (got(f"/v1/jobs/{{job}}/items/{10**18}"), NO_JOB),
        "an item of 5,000 digits": (got("/v1/jobs/{job}/items/" + "9" * 5000), INVALID),
        "a webhook": (got("/v1/webhooks/wh_" + "0" * 32), NO_JOB),
        "a webhook's id": (got("/v1/webhooks/wh_x"), INVALID),
        "a delivery": (asked("POST", f"/v1/jobs/{{job}}/deliveries/msg_{'0' * 40}/redeliver"), NO_JOB),
        "a delivery's id": (asked("POST", "/v1/jobs/{job}/deliveries/x/redeliver"), INVALID),
    },
    "members that are not a client's": {
        "a tenant in the URL": (uploaded("image/png", PNG, "/v1/jobs?tenant=root"), INVALID),
        "a state in the URL": (uploaded("image/png", PNG, "/v1/jobs?state=succeeded"), INVALID),
        "an owner in JSON": (told("/v1/jobs", {"images": [{"image": ""}], "owner": "root"}), INVALID),
        "a priority of none": (uploaded("image/png", PNG, "/v1/jobs?priority=urgent"), INVALID),
        "the id of a webhook": (
            told("/v1/webhooks", {"url": "https://a.example/", "id": "wh_" + "0" * 32}),
            INVALID,
        ),
        "a label and more": (told(LABEL, {"label": "7", "status": "failed"}, "PATCH"), INVALID),
        "a retry and more": (told(RETRY, {"only": "failed", "owner": "root"}), INVALID),
    },
    "an odd page": {
        query[:20]: (got(path + query), INVALID) for path, queries in PAGES.items() for query in queries
    }
    | {
        "beyond the end": (got(f"/v1/jobs/{{job}}/results?cursor={10**18}"), "200"),
        "deliveries": (got("/v1/webhooks/callback/deliveries?limit=101"), INVALID),
    },
    "an odd Last-Event-ID": {
        "of the future": (got("/v1/jobs/{job}/events", Last_Event_ID="9999999999999-0"), NO_EVENT),
        "of 20 digits": (got("/v1/jobs/{job}/events", Last_Event_ID="9" * 20 + "-0"), NO_EVENT),
        "text": (got("/v1/jobs/{job}/events", Last_Event_ID="garbage"), NO_EVENT),
        "digits of elsewhere": (got("/v1/jobs/{job}/events?last_event_id=%D9%A3-%D9%A3"), NO_EVENT),
        "$": (got("/v1/jobs/{job}/events?last_event_id=$"), NO_EVENT),
    },
}

CASES = list(cases("parameters", TABLE))
