"""Access: keys, ids of others, headers that only a proxy may set, and requests that are repeated."""

import time

from .asking import asked, got, message, outcome, talk, told, uploaded
from .cases import Ask, cases
from .stage import GOOD, Stage
from wire import Wire

PNG = GOOD["good-0.png"]
NO_SCOPE = "403 insufficient-scope"
NO_KEY, NO_JOB = "401 unauthorized", "404 not-found"
INVALID = "422 invalid-parameter"
UNKNOWN = "job_" + "0" * 32


def keyed(value: str, name: str = "Authorization") -> Ask:
    """Ask for the list of jobs with this key."""
    return asked("GET", "/v1/jobs", {name: value}, at="keyed")


def with_key(whose: str, method: str, path: str) -> Ask:
    """Ask with one of the keys of the stage."""

    def ask(stage: Stage) -> str:
        fields = {"Authorization": f"Bearer {stage.keys[whose][0]}"}
        return outcome(talk(stage.url("keyed"), message(method, path, fields)))

    return ask


def taken_away(stage: Stage) -> str:
    """An unknown key of the right form gets the same answer, byte for byte, as nonsense."""
    known = stage.keys["alice"][0]
    keys = ("nonsense", known[:-1] + "A" * (known[-1] != "A") + "B" * (known[-1] == "A"))
    url, path = stage.url("keyed"), "/v1/jobs"
    first, second = (talk(url, message("GET", path, {"Authorization": f"Bearer {key}"})) for key in keys)
    assert (first.body, first.headers.keys()) == (second.body, second.headers.keys())
    return outcome(second)


def of_bob(method: str, path: str, body: bytes = b"") -> Ask:
    """Bob asks for alice's job and for one that does not exist, and gets the same answer."""

    def ask(stage: Stage) -> str:
        fields = {"Authorization": f"Bearer {stage.keys['bob'][0]}"}
        theirs, none = (
            talk(stage.url("keyed"), message(method, path.format(job=job), fields, body))
            for job in (stage.job_of_alice, UNKNOWN)
        )
        assert theirs.status == none.status
        assert theirs.body.replace(stage.job_of_alice.encode(), UNKNOWN.encode()) == none.body
        mine = {"Authorization": f"Bearer {stage.keys['alice'][0]}"}
        whole = talk(stage.url("keyed"), message("GET", f"/v1/jobs/{stage.job_of_alice}", mine))
        assert whole.status == 200
        return outcome(theirs)

    return ask


def claimed(stage: Stage) -> str:
    """The socket's address counts, whatever address the client claims to have."""
    wires: list[Wire] = []
    try:
        for number in range(20):
            wires.append(Wire(stage.url("strict")))
            answer = wires[-1].get("/healthz", f"X-Forwarded-For: 8.8.8.{number}").answer()
            assert answer.status == 200
        with Wire(stage.url("strict")) as one_more:
            fields = ("X-Forwarded-For: 8.8.4.4", "Forwarded: for=8.8.4.4")
            return outcome(one_more.get("/healthz", *fields).answer())
    finally:
        for wire in wires:
            wire.socket.close()


def many_wrong_keys(stage: Stage) -> str:
    """Send one wrong key after the other over one connection."""
    with Wire(stage.url("keyed")) as wire:
        found = [
            wire.get("/v1/jobs", f"Authorization: Bearer ink_{at:08d}_{'A' * 43}").answer()
            for at in range(500)
        ]
    (every,) = {outcome(each) for each in found}
    return every


def under_way(stage: Stage) -> str:
    """Send a second request with an Idempotency-Key while the first one is still being uploaded."""
    for attempt in range(20):
        fields = {"Content-Type": "image/png", "Idempotency-Key": f"under-way-{attempt}"}
        data = message("POST", "/v1/jobs", fields, PNG)
        with Wire(stage.url("plain")) as first:
            first.send(data[:-1])
            time.sleep(0.02 * attempt)
            second = talk(stage.url("plain"), data)
            if second.status == 409:
                assert first.send(data[-1:]).answer().status == 202
                break
    return outcome(second)


def repeated(path: str, second: bytes, **fields: str) -> Ask:
    """Send the same path and fields with one body, and then with another."""

    def ask(stage: Stage) -> str:
        head = {"Content-Type": "image/png"} | {
            name.replace("_", "-"): value for name, value in fields.items()
        }
        method = "POST" if fields else "PUT"
        first, again = (
            talk(stage.url("plain"), message(method, path, head, body)) for body in (PNG, second)
        )
        assert first.status == 202, first
        return outcome(again)

    return ask


TABLE = {
    "no key": {
        "no key": (got("/v1/jobs", at="keyed"), NO_KEY),
        "no key to send": (uploaded("image/png", PNG, at="keyed"), NO_KEY),
        "no key to change": (asked("DELETE", f"/v1/jobs/{UNKNOWN}", at="keyed"), NO_KEY),
        "no key to see hooks": (got("/v1/webhooks", at="keyed"), NO_KEY),
    },
    "a malformed key": {
        "nothing": (keyed(""), NO_KEY),
        "an empty one": (keyed("Bearer "), NO_KEY),
        "another scheme": (keyed("Basic aW5rOmluaw=="), NO_KEY),
        "text": (keyed("Bearer x"), NO_KEY),
        "no ASCII": (keyed("Bearer \xff\xfe"), NO_KEY),
        "no ASCII in the other header": (keyed("\xff\xfe", "X-API-Key"), NO_KEY),
        "30 KB": (keyed("Bearer " + "x" * 30_000), NO_KEY),
        "1 MB": (keyed("Bearer " + "x" * 1_000_000), "431 headers-too-large"),
        "NUL": (keyed("Bearer a\0b"), "400 malformed-request"),
    },
    "a key that was taken away": {
        "one like it": (taken_away, NO_KEY),
        "one whose time is over": (with_key("late", "GET", "/v1/jobs"), NO_KEY),
    },
    "a key without the scope": {
        "a reader who sends": (with_key("reader", "POST", "/v1/jobs"), NO_SCOPE),
        "a reader who cancels": (with_key("reader", "POST", f"/v1/jobs/{UNKNOWN}/cancel"), NO_SCOPE),
        "a reader who deletes": (with_key("reader", "DELETE", f"/v1/jobs/{UNKNOWN}"), NO_SCOPE),
        "a reader of webhooks": (with_key("reader", "GET", "/v1/webhooks"), NO_SCOPE),
        "a reader of the queue": (with_key("reader", "GET", "/v1/queue"), NO_SCOPE),
        "a reader who reads": (with_key("reader", "GET", "/v1/jobs"), "200"),
    },
    "a key in the URL": {
        "api_key": (got("/v1/jobs?api_key=ink_00000000_" + "A" * 43, at="keyed"), NO_KEY),
        "access_token": (got("/v1/jobs?access_token=ink_00000000_" + "A" * 43, at="keyed"), NO_KEY),
    },
    "another's job": {
        "itself": (of_bob("GET", "/v1/jobs/{job}"), NO_JOB),
        "waited for": (of_bob("GET", "/v1/jobs/{job}?wait=1"), NO_JOB),
        "its results": (of_bob("GET", "/v1/jobs/{job}/results"), NO_JOB),
        "its results as a table": (of_bob("GET", "/v1/jobs/{job}/results?format=csv"), NO_JOB),
        "an item": (of_bob("GET", "/v1/jobs/{job}/items/0"), NO_JOB),
        "an image": (of_bob("GET", "/v1/jobs/{job}/items/0/image"), NO_JOB),
        "a preview": (of_bob("GET", "/v1/jobs/{job}/items/0/preview.png"), NO_JOB),
        "its events": (of_bob("GET", "/v1/jobs/{job}/events"), NO_JOB),
        "its export": (of_bob("GET", "/v1/jobs/{job}/export"), NO_JOB),
        "its deliveries": (of_bob("GET", "/v1/jobs/{job}/deliveries"), NO_JOB),
    },
    "an id that is none": {
        "one more digit": (got("/v1/jobs/" + UNKNOWN + "0"), NO_JOB),
        "unknown": (got(f"/v1/jobs/{UNKNOWN}"), NO_JOB),
        "upper case": (got("/v1/jobs/JOB_" + "A" * 32), NO_JOB),
        "a way out": (got("/v1/jobs/{job}/../../healthz"), NO_JOB),
        **{
            name[:20]: (got(f"/v1/jobs/{name}"), INVALID)
            for name in (
                *(
                    "%00",
                    "a%00b",
                    "a%0Ab",
                    "a%0A",
                    "a*b",
                    "%FF%FE",
                    "%D9%A3",
                    "a.b",
                    "a b".replace(" ", "+"),
                ),
                *("x" * 65, "y" * 300, "z" * 20_000, "%7B%7D", "'%20OR%201=1"),
            )
        },
        "to put": (asked("PUT", "/v1/jobs/a.b", {"Content-Type": "image/png"}, PNG), INVALID),
        "to put, long": (
            asked("PUT", "/v1/jobs/" + "x" * 65, {"Content-Type": "image/png"}, PNG),
            INVALID,
        ),
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
    "another's job to be changed": {
        "canceled": (of_bob("POST", "/v1/jobs/{job}/cancel"), NO_JOB),
        "deleted": (of_bob("DELETE", "/v1/jobs/{job}"), NO_JOB),
        "retried": (of_bob("POST", "/v1/jobs/{job}/retry"), NO_JOB),
        "corrected": (
            of_bob("PATCH", "/v1/jobs/{job}/items/0/correction", b'{"label": "7"}'),
            NO_JOB,
        ),
        "told again": (of_bob("POST", f"/v1/jobs/{{job}}/deliveries/msg_{'0' * 40}/redeliver"), NO_JOB),
    },
    "an address that is claimed": {"X-Forwarded-For": (claimed, "429 too-many-connections")},
    "many wrong keys": {
        # A key is 256 random bits: guessing is hopeless at any rate, and refusing costs what answering
        # costs. What an address may do at all is bounded by its connections.
        "500": (many_wrong_keys, NO_KEY),
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
        "a label and more": (
            told("/v1/jobs/{job}/items/0/correction", {"label": "7", "status": "failed"}, "PATCH"),
            INVALID,
        ),
        "a retry and more": (told("/v1/jobs/{job}/retry", {"only": "failed", "owner": "root"}), INVALID),
    },
    "an odd Idempotency-Key": {
        name: (uploaded("image/png", PNG, Idempotency_Key=key), "400 malformed-request")
        for name, key in {
            "nothing": "",
            "256 characters": "x" * 256,
            "20 KB": "x" * 20_000,
            "a tab": "tab\there",
            "no ASCII": "k\x85\xa0",
        }.items()
    },
    "the same key for another body": {
        "a key": (repeated("/v1/jobs", PNG[:-1], Idempotency_Key="twice"), "422 idempotency-mismatch"),
        "an id": (repeated("/v1/jobs/of-my-own", PNG[:-1]), "422 idempotency-mismatch"),
        "the same body": (repeated("/v1/jobs", PNG, Idempotency_Key="same"), "202"),
    },
    "the same key under way": {"a key": (under_way, "409 request-in-progress")},
    "an odd page": {
        query[:20]: (got(path + query), INVALID)
        for path, queries in {
            "/v1/jobs": (
                *(
                    "?cursor=abc",
                    "?cursor=-1",
                    "?cursor=%D9%A3",
                    "?cursor=" + "9" * 30,
                    "?cursor=%2Binf",
                ),
                *("?limit=0", "?limit=101", "?limit=1e9", "?limit=x", "?limit=", "?state=lost"),
                *("?state=" + "x" * 20_000, "?cursor=%00", "?cursor="),
            ),
            "/v1/jobs/{job}": (
                *("/results?cursor=-1", "/results?cursor=x", "/results?cursor=" + "9" * 5000),
                *("/results?limit=0", "/results?limit=1001", "/results?limit=1000000000"),
                *(
                    "?wait=-1",
                    "?wait=x",
                    "?wait=nan",
                    "?wait=inf",
                    "/export?limit=0",
                    "/export?cursor=-1",
                ),
            ),
        }.items()
        for query in queries
    }
    | {
        "beyond the end": (got(f"/v1/jobs/{{job}}/results?cursor={10**18}"), "200"),
        "deliveries": (got("/v1/webhooks/callback/deliveries?limit=101"), INVALID),
    },
    "an odd Last-Event-ID": {
        "of the future": (
            got("/v1/jobs/{job}/events", Last_Event_ID="9999999999999-0"),
            "400 invalid-event-id",
        ),
        "of 20 digits": (
            got("/v1/jobs/{job}/events", Last_Event_ID="9" * 20 + "-0"),
            "400 invalid-event-id",
        ),
        "text": (got("/v1/jobs/{job}/events", Last_Event_ID="garbage"), "400 invalid-event-id"),
        "digits of elsewhere": (
            got("/v1/jobs/{job}/events?last_event_id=%D9%A3-%D9%A3"),
            "400 invalid-event-id",
        ),
        "$": (got("/v1/jobs/{job}/events?last_event_id=$"), "400 invalid-event-id"),
    },
}

CASES = list(cases("access", TABLE))
