"""A service that is full, lacks Redis, is about to stop, or is asked by a page of another site."""

import signal
import time
from collections.abc import Mapping

from .asking import asked, got, message, outcome, require_sound, talk, uploaded
from .cases import Ask, cases
from .stage import GOOD, LARGE, Stage
from hostile_files import npy
from wire import Wire

PNG = GOOD["good-0.png"]
NPY = "application/x-npy"
AWAY = "503 storage-unavailable"


def one_job_too_many(stage: Stage) -> str:
    """While three jobs wait, another one is refused, and the three are still there."""
    url, data = stage.url("tight"), message("POST", "/v1/jobs", {"Content-Type": "image/png"}, PNG)
    taken = [talk(url, data) for _ in range(3)]
    refused = talk(url, data)
    for answer in taken:
        assert answer.status == 202
        assert talk(url, message("POST", f"{answer.headers['location']}/cancel", {})).status == 200
    return outcome(refused)


def black(images: int) -> bytes:
    """A .npy array of so many black images."""
    return npy("'|u1'", f"({images}, 28, 28)", bytes(images * 784))


def one_image_too_many(stage: Stage) -> str:
    """While eight images of at most ten wait, three more are refused."""
    url, fields = stage.url("tight"), {"Content-Type": NPY}
    taken, refused = (talk(url, message("POST", "/v1/jobs", fields, black(each))) for each in (8, 3))
    assert talk(url, message("POST", f"{taken.headers['location']}/cancel", {})).status == 200
    return outcome(refused)


def without_redis(ask: Ask) -> Ask:
    """Ask the same after Redis was killed."""

    def ask_then(stage: Stage) -> str:
        stage.url("tight")
        stage.redis_of_tight.kill()
        return ask(stage)

    return ask_then


def while_it_stops(stage: Stage) -> str:
    """A request under way is answered; an idle connection is closed, and not left hanging."""
    gateway = stage.extra()
    with Wire(gateway.url) as idle, Wire(gateway.url) as busy:
        assert idle.get("/healthz").answer().status == 200
        whole = message("POST", "/v1/jobs", {"Content-Type": "image/png"}, PNG)
        busy.send(whole[:-1])
        time.sleep(0.2)
        gateway.processes[0].send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert idle.is_closed()
        busy.send(whole[-1:])
        answer = busy.answer()
        require_sound(answer)
        assert busy.is_closed()
    gateway.processes[0].wait(20)
    return outcome(answer)


def preflight(**fields: str) -> Ask:
    """Send a browser's preflight request for a page of another site, which must not be allowed."""

    def ask(stage: Stage) -> str:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        data = message("OPTIONS", "/v1/jobs", {"Origin": "https://evil.example"} | named)
        answer = talk(stage.url("plain"), data)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        return outcome(answer)

    return ask


def large(fields: Mapping[str, str]) -> Ask:
    """Ask for results of more than 10 MB."""

    def ask(stage: Stage) -> str:
        path = f"/v1/jobs/{stage.large_job}/results"
        answer = talk(stage.url("plain"), message("GET", path, fields))
        if answer.status == 200:
            assert answer.headers["transfer-encoding"] == "chunked"
            return f"{len(answer.body.splitlines())} lines"
        return outcome(answer)

    return ask


TABLE = {
    "one job too many": {"the fourth of three": (one_job_too_many, "429 too-many-jobs")},
    "one image too many": {
        "11 of 10": (uploaded(NPY, black(11), at="tight"), "413 too-many-images"),  # never possible
        "8 and 3 of 10": (one_image_too_many, "503 queue-full"),
    },
    "no Redis": {
        "a job": (without_redis(uploaded("image/png", PNG, at="tight")), AWAY),
        "a prediction": (without_redis(uploaded("image/png", PNG, "/v1/predictions", at="tight")), AWAY),
        "a job to look at": (without_redis(got("/v1/jobs/a", at="tight")), AWAY),
        "all jobs": (without_redis(got("/v1/jobs", at="tight")), AWAY),
        "webhooks": (without_redis(got("/v1/webhooks", at="tight")), AWAY),
        "the queue": (without_redis(got("/v1/queue", at="tight")), AWAY),
        "events": (without_redis(got("/v1/jobs/a/events", at="tight")), AWAY),
        "readiness": (without_redis(got("/readyz", at="tight")), AWAY),
        "health": (without_redis(got("/healthz", at="tight")), "200"),
    },
    "a gateway that stops": {"a connection under way": (while_it_stops, "202")},
    "another site's page": {
        "a preflight": (preflight(Access_Control_Request_Method="POST"), "405 method-not-allowed"),
        "a preflight of its network": (
            preflight(Access_Control_Request_Private_Network="true"),
            "405 method-not-allowed",
        ),
        "a form of another site": (
            uploaded("image/png", PNG, Origin="https://evil.example"),
            "403 cross-site",
        ),
        "a request of a frame": (
            uploaded("image/png", PNG, Sec_Fetch_Site="cross-site"),
            "403 cross-site",
        ),
        "a page of nowhere": (asked("DELETE", "/v1/jobs/a", {"Origin": "null"}), "403 cross-site"),
    },
    "a large result": {
        "a table": (large({"Accept": "text/csv"}), f"{LARGE + 1} lines", 5.0),
        "lines": (large({"Accept": "application/x-ndjson"}), f"{LARGE} lines", 5.0),
        "an unknown type": (large({"Accept": "application/xml"}), "406 not-acceptable"),
    },
}

CASES = list(cases("service", TABLE))
