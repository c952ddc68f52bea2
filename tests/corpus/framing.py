"""Requests that are not HTTP, or that two servers would read differently (RFC 9112)."""

import json
import socket
import time

from .asking import asked, got, message, outcome, sent, talk, uploaded
from .cases import Ask, cases
from .stage import GOOD, Stage
from wire import CHUNKED, GET, POST, Wire

PNG = GOOD["good-0.png"]
HOST = b"Host: localhost\r\n"
SMUGGLED = b"0\r\n\r\nGET /v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n"
LONG = 100_000
BIG = 5_000_000
BAD, NO_METHOD = "400 malformed-request", "405 method-not-allowed"
TOO_LARGE = "413 body-too-large"


def named(host: bytes) -> Ask:
    """A GET with this Host."""
    return sent(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")


def with_field(field: bytes) -> Ask:
    """A GET with one more field."""
    return sent(GET + field + b"\r\n\r\n")


def sized(field: bytes, body: bytes = b"") -> Ask:
    """A POST with this field, which is about the length of its body."""
    return sent(POST + field + b"\r\n\r\n" + body)


def called(method: bytes, target: bytes = b"/healthz") -> Ask:
    """A request with this method, which no route accepts."""
    return sent(method + b" " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")


def broken_off(data: bytes, at: str = "plain") -> Ask:
    """Send the beginning of a request, and then half-close the connection."""

    def ask(stage: Stage) -> str:
        with Wire(stage.url(at)) as wire:
            wire.send(data).socket.shutdown(socket.SHUT_WR)
            return "closed" if wire.is_closed() else "answered"

    return ask


def trickled(data: bytes) -> Ask:
    """Send the beginning of a request, and then a byte now and then."""

    def ask(stage: Stage) -> str:
        with Wire(stage.url("strict")) as wire:
            wire.send(data).socket.settimeout(0.1)
            for _ in range(100):
                wire.send(b"x")
                try:
                    wire.socket.recv(1, socket.MSG_PEEK)
                    break
                except TimeoutError:
                    continue
            wire.socket.settimeout(10)
            return outcome(wire.answer())

    return ask


def pipelined(stage: Stage) -> str:
    """Pipeline 1,000 requests: as many are answered as may wait, and the next one is refused."""
    with Wire(stage.url("plain")) as wire:
        wire.send((GET + b"\r\n") * 1000)
        answers = [wire.answer() for _ in range(18)]
        assert {each.status for each in answers[:-1]} == {200}
        assert wire.is_closed()
        return outcome(answers[-1])


def continued(size: int, at: str) -> Ask:
    """Send an upload with Expect: 100-continue; the first answer, and the final one."""

    def ask(stage: Stage) -> str:
        with Wire(stage.url(at)) as wire:
            wire.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
            first = wire.answer()
            if first.status != 100:
                return outcome(first)
            return f"100, {outcome(wire.send(PNG.ljust(size, b'x')).answer())}"

    return ask


def of_ranges(path: str) -> Ask:
    """Ask for 10,000 ranges of an answer."""
    return got(path, Range="bytes=" + ",".join(["0-"] * 10_000))


def ranges_of_script(stage: Stage) -> str:
    """Ask for 10,000 ranges of a script of the page."""
    page = talk(stage.url("plain"), message("GET", "/", {})).body.decode()
    return of_ranges(page.split('src="')[1].split('"')[0])(stage)


def logged(path: str, word: str) -> Ask:
    """Ask for a path with `word` in it; how many lines are logged, if none has control characters."""

    def ask(stage: Stage) -> str:
        talk(stage.url("strict"), message("GET", path, {}))
        end = time.monotonic() + 5
        while word not in (text := stage.log("strict")) and time.monotonic() < end:
            time.sleep(0.01)
        said = [json.loads(line)["message"] for line in text.splitlines() if word in line]
        return f"{len(said)} line" if all(each.isprintable() for each in said) else "control characters"

    return ask


TABLE = {
    "a length and chunks together": {
        "chunks first": (sized(b"Transfer-Encoding: chunked\r\nContent-Length: 5", SMUGGLED), BAD),
        "length first": (sized(b"Content-Length: 5\r\nTransfer-Encoding: chunked", SMUGGLED), BAD),
    },
    "two lengths": {
        "different ones": (sized(b"Content-Length: 5\r\nContent-Length: 6", b"hello"), BAD),
        "the same twice": (sized(b"Content-Length: 5\r\nContent-Length: 5", b"hello"), BAD),
        "in one field": (sized(b"Content-Length: 5, 5", b"hello"), BAD),
    },
    "a length with a sign": {"+4": (sized(b"Content-Length: +4", b"hello"), BAD)},
    "a negative length": {"-5": (sized(b"Content-Length: -5", b"hello"), BAD)},
    "a length of 20 digits": {
        "20 digits": (sized(b"Content-Length: 99999999999999999999"), BAD),
        "hexadecimal": (sized(b"Content-Length: 0x10", bytes(16)), BAD),
        "nothing": (sized(b"Content-Length:", bytes(16)), BAD),
    },
    "a length over the limit, its body not sent": {
        "1 TB": (sent(POST + b"Content-Length: 999999999999\r\n\r\n", "strict"), TOO_LARGE),
    },
    "chunks over the limit": {
        "200 KB": (sent(CHUNKED + (b"3e8\r\n" + bytes(1000) + b"\r\n") * 200, "strict"), TOO_LARGE),
    },
    "an unknown transfer coding": {
        "xchunked": (sized(b"Transfer-Encoding: xchunked", SMUGGLED), BAD),
        "gzip, chunked": (sized(b"Transfer-Encoding: gzip, chunked", SMUGGLED), BAD),
        "chunked, identity": (sized(b"Transfer-Encoding: chunked, identity", SMUGGLED), BAD),
        "chunked twice": (sized(b"Transfer-Encoding: chunked\r\n" * 2, SMUGGLED), BAD),
        "a tab before": (sized(b"Transfer-Encoding:\x0bchunked", SMUGGLED), BAD),
        "in HTTP/1.0": (sent(CHUNKED.replace(b"1.1", b"1.0") + SMUGGLED), BAD),
    },
    "a chunk that does not end": {
        "more than it says": (sent(CHUNKED + b"1\r\nhello\r\n0\r\n\r\n"), BAD),
        "no line break": (sent(CHUNKED + b"5\r\nhello0\r\n\r\n"), BAD),
        "a size that is none": (sent(CHUNKED + b"zz\r\n"), BAD),
        "a negative size": (sent(CHUNKED + b"-1\r\nhello\r\n"), BAD),
    },
    "a chunk size of more than 64 bits": {
        "17 digits": (sent(CHUNKED + b"f" * 17 + b"\r\n"), BAD),
        "a megabyte of digits": (sent(CHUNKED + b"0" * 1_000_000), "431 headers-too-large"),
    },
    "a chunk extension of 1 MB": {
        "one": (sent(CHUNKED + b"1;" + b"x" * 1_000_000), "431 headers-too-large"),
        "a trailer": (sent(CHUNKED + b"1\r\nx\r\n0\r\nA: " + b"x" * BIG), "431 headers-too-large"),
    },
    "bare line feeds": {
        "everywhere": (sent(b"GET / HTTP/1.1\nHost: localhost\n\n"), BAD),
        "one": (sent(b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"), BAD),
        "a bare return": (sent(b"GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"), BAD),
    },
    "a folded field": {"by a space": (with_field(b"A: b\r\n c"), BAD)},
    "a space before the colon": {
        "a space": (with_field(b"A : b"), BAD),
        "no name": (with_field(b": b"), BAD),
        "no colon": (with_field(b"AAAA"), BAD),
    },
    "NUL in a header": {
        "in a value": (with_field(b"A: b\0c"), BAD),
        "in a name": (with_field(b"A\0: b"), BAD),
        "an escape": (with_field(b"A\x1b[2J: b"), BAD),
    },
    "no Host": {"none": (sent(b"GET / HTTP/1.1\r\n\r\n"), BAD), "empty": (named(b""), BAD)},
    "two Hosts": {
        "the same": (sent(b"GET / HTTP/1.1\r\n" + 2 * HOST + b"\r\n"), BAD),
        "different": (sent(b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n"), BAD),
    },
    "a Host that is none": {
        "a path and a user": (named(b"a/../b@c"), BAD),
        "a user": (named(b"localhost@evil.example"), BAD),
        "no ASCII": (named(b"\xff"), BAD),
        "a port of letters": (named(b"localhost:http"), BAD),
        "a space": (named(b"localhost evil"), BAD),
        "a stranger": (named(b"evil.example"), "421 host-not-allowed"),
        "a name that is rebound": (named(b"127.0.0.1.nip.io"), "421 host-not-allowed"),
    },
    "a path without a slash": {
        "a host": (sent(b"GET @evil.example HTTP/1.1\r\n" + HOST + b"\r\n"), BAD),
        "a star": (sent(b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"), BAD),
    },
    "an absolute URL of another host": {
        "http": (sent(b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n"), BAD),
    },
    "a header of 100 KB": {
        "one": (with_field(b"A: " + b"x" * LONG), "431 headers-too-large"),
        "a name": (with_field(b"x" * LONG + b": a"), "431 headers-too-large"),
        "a cookie": (with_field(b"Cookie: " + b"a=b;" * LONG), "431 headers-too-large"),
    },
    "a header of megabytes": {"5 MB": (with_field(b"A: " + b"x" * BIG), "431 headers-too-large")},
    "10,000 headers": {
        "10,000": (sent(GET + b"A: b\r\n" * 10_000 + b"\r\n"), "431 headers-too-large"),
        "65": (sent(GET + b"A: b\r\n" * 64 + b"\r\n"), "431 headers-too-large"),
    },
    "a URL of 1 MB": {
        "a path": (sent(GET.replace(b"healthz", b"x" * 1_000_000) + b"\r\n"), "414 url-too-long"),
        "a query": (sent(GET.replace(b"healthz", b"?" + b"&a=b" * LONG) + b"\r\n"), "414 url-too-long"),
    },
    "HTTP/0.9": {
        "no version": (sent(b"GET /\r\n\r\n"), BAD),
        "HTTP/0.9": (sent(b"GET / HTTP/0.9\r\n" + HOST + b"\r\n"), BAD),
        "HTTP/1.9": (sent(b"GET / HTTP/1.9\r\n" + HOST + b"\r\n"), BAD),
        "HTTP/3.0": (sent(b"GET / HTTP/3.0\r\n" + HOST + b"\r\n"), BAD),
        "lower case": (sent(b"GET / http/1.1\r\n" + HOST + b"\r\n"), BAD),
    },
    "another protocol": {
        "HTTP/2": (sent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), BAD),
        "TLS": (sent(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), BAD),
        "SSH": (sent(b"SSH-2.0-OpenSSH_9.9\r\n"), BAD),
        "Redis": (sent(b"*1\r\n$8\r\nFLUSHALL\r\n"), BAD),
        "random bytes": (sent(bytes(range(255, 0, -1))), BAD),
        "zeros": (sent(bytes(LONG)), BAD),
    },
    "an unknown method": {
        "FOO": (called(b"FOO"), NO_METHOD),
        "CONNECT": (called(b"CONNECT", b"localhost:80"), NO_METHOD),
        "lower case": (called(b"get"), BAD),
        "a megabyte": (called(b"X" * 1_000_000), BAD),
        "TRACE": (asked("TRACE", "/v1/jobs"), NO_METHOD),
        "PROPFIND": (asked("PROPFIND", "/v1/jobs"), NO_METHOD),
        "PATCH": (asked("PATCH", "/v1/jobs"), NO_METHOD),
        "DELETE of all": (asked("DELETE", "/v1/jobs"), NO_METHOD),
        "POST of models": (asked("POST", "/v1/models"), NO_METHOD),
        "GET of predictions": (got("/v1/predictions"), NO_METHOD),
        "POST of a job's id": (asked("POST", "/v1/jobs/a"), NO_METHOD),
    },
    "half a request": {
        "a head": (broken_off(GET), "closed"),
        "a body": (broken_off(POST + b"Content-Length: 9\r\n\r\nx"), "closed"),
        "a chunk": (broken_off(CHUNKED + b"1\r\nx\r\n"), "closed"),
        "nothing": (broken_off(b""), "closed"),
    },
    "a head that trickles": {
        "a field": (trickled(GET + b"X-Slow: "), "408 request-timeout"),
        "a value": (trickled(GET + b"X-Slow: yes"), "408 request-timeout"),
    },
    "a body that trickles": {
        "of a length": (trickled(POST + b"Content-Length: 99999\r\n\r\n"), "408 request-timeout"),
        "in a chunk": (trickled(CHUNKED + b"fffff\r\n"), "408 request-timeout"),
    },
    "1,000 pipelined requests": {"at once": (pipelined, "429 too-many-pipelined")},
    "100-continue for what is too large": {
        "1 TB": (continued(10**12, "strict"), TOO_LARGE),
        "what fits": (continued(5000, "strict"), "100, 202"),
    },
    "a packed body": {
        kind: (uploaded("image/png", PNG, Content_Encoding=kind), "415 unsupported-media-type")
        for kind in ("gzip", "deflate", "br", "zstd", "identity, gzip", "x" * 8000)
    }
    | {"none, by name": (uploaded("image/png", PNG, Content_Encoding="identity"), "202")},
    "10,000 ranges": {
        # No answer of ours supports ranges: each is whole, which RFC 9110, 14.2 leaves to the server.
        "of results": (of_ranges("/v1/jobs/{job}/results?format=csv"), "200"),
        "of an image": (of_ranges("/v1/jobs/{job}/items/0/image"), "200"),
        "of an export": (of_ranges("/v1/jobs/{job}/export?what=all"), "200"),
        "of a script": (ranges_of_script, "200"),
    },
    "an odd path": {
        path[:30]: (got(path), "404 not-found")
        for path in (
            *("/nope", "/v1", "/v1/job", "/v2/jobs", "/v1/jobs/", "/problems/nope", "//", "//v1/jobs"),
            *("/%2e%2e%2fetc/passwd", "/../../etc/passwd", "/static/../../pyproject.toml", "/./healthz"),
            *("/static/x/%2e%2e%2f%2e%2e%2fproblems.py", "/static/x/..%5c..%5cproblems.py", "/%00"),
            *("/healthz;x", "/healthz%00", "/%c0%ae%c0%ae/etc", "/%ff%fe", "/v1/jobs;a=b", "/V1/JOBS"),
            *("/" + "x" * 20_000, "/v1/jobs/a/b/c", "/v1/jobs/a%2Fb", "/v1/jobs/..%2F..%2Fetc"),
        )
    },
    "line breaks in what is repeated": {
        "a path": (got("/%0d%0aX-Injected:a"), "404 not-found"),
        "an id": (got("/v1/jobs/a%0d%0aX-Injected:a"), "422 invalid-parameter"),
        "an own id": (
            asked("PUT", "/v1/jobs/a%0d%0aX-Injected:%20a", {"Content-Type": "image/png"}, PNG),
            "422 invalid-parameter",
        ),
        "a model": (
            uploaded("image/png", PNG, "/v1/jobs?model=a%0d%0aX-Injected:a"),
            "422 unknown-model",
        ),
        "a preference": (
            uploaded("image/png", PNG, Prefer="wait=1%0d%0aX-Injected:a, \xff"),
            "200",
        ),
        "a URL": (
            uploaded("image/png", PNG, "/v1/jobs?callback_url=https://a.example/%0d%0aX-Injected:a"),
            "422 webhook-url-forbidden",
        ),
    },
    "line breaks in what is logged": {
        "a line break": (logged("/%0d%0aINFO:%20all-is-well", "all-is-well"), "1 line"),
        "an escape": (logged("/%1b[2J%1b]0;owned%07", "owned"), "1 line"),
    },
}

CASES = list(cases("framing", TABLE))
