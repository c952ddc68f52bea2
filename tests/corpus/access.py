"""Access: keys, what belongs to others, and headers that only a proxy may set."""

from .asking import asked, got, message, outcome, talk, uploaded
from .cases import Ask, cases
from .stage import GOOD, Stage
from wire import Wire

PNG = GOOD["good-0.png"]
NO_SCOPE = "403 insufficient-scope"
NO_KEY, NO_JOB = "401 unauthorized", "404 not-found"
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
}

CASES = list(cases("access", TABLE))
