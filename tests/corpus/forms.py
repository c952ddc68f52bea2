"""Forms (RFC 7578) that cannot be read, or are hostile."""

import time
from concurrent.futures import ThreadPoolExecutor

from .asking import Body, message, outcome, results, submit, talk, uploaded
from .cases import SPENT_S, Ask, cases
from .stage import GOOD, Stage
from hostile_files import file_part, form, part
from waiting import meanwhile
from wire import Wire

PNG = GOOD["good-0.png"]
FORM = "multipart/form-data; boundary=b"
FILE = file_part("a.png", PNG)
BAD, INVALID = "400 malformed-multipart", "422 invalid-parameter"
UNSAFE, TAKEN = "422 unsafe-name", "202"


def posted(body: Body) -> Ask:
    """A POST of a form whose boundary is b."""
    return uploaded(FORM, body)


def bounded(boundary: str, body: bytes = form(FILE)) -> Ask:
    """A POST of a form, with this text after its Content-Type."""
    return uploaded(f"multipart/form-data{boundary}", body)


def metadata(value: bytes) -> bytes:
    """A form's field `metadata`."""
    return part('name="metadata"', value)


def named(name: str) -> Ask:
    """Send a file of this name; what it is called in the results."""
    return called(f'name="files"; filename="{name}"')


def called(disposition: str) -> Ask:
    """Send a file with this Content-Disposition; what it is called in the results."""

    def ask(stage: Stage) -> str:
        job = submit(stage, FORM, form(part(disposition, PNG)))
        (item,) = results(stage, job)
        assert item["status"] == "succeeded"
        return str(item["name"])

    return ask


def many_at_once(stage: Stage) -> str:
    """Send 16 forms of 4 MB at once; a client that asks for /healthz meanwhile must not wait long."""
    url, waits = stage.url("plain"), list[float]()
    body = form(*(file_part(f"{at}.png", PNG.ljust(1 << 20)) for at in range(4)))
    data = message("POST", "/v1/jobs", {"Content-Type": FORM}, body)

    def look() -> None:
        start = time.perf_counter()
        assert wire.get("/healthz").answer().status == 200
        waits.append(time.perf_counter() - start)

    with Wire(url) as wire, meanwhile(look, 0.0), ThreadPoolExecutor(16) as pool:
        said = {outcome(each) for each in pool.map(lambda _: talk(url, data), range(16))}
    assert sorted(waits)[len(waits) // 2] < 0.2
    return ", ".join(said)


TABLE = {
    "an odd boundary": {
        "none": (bounded(""), BAD),
        "empty": (bounded("; boundary="), BAD),
        "300 bytes": (
            bounded("; boundary=" + "b" * 300, form(FILE).replace(b"--b", b"--" + b"b" * 300)),
            TAKEN,
        ),
        "another": (bounded("; boundary=c"), BAD),
        "quotes without end": (bounded('; boundary="b'), BAD),
        "in quotes": (bounded('; boundary="b"'), TAKEN),
        "no ASCII": (bounded("; boundary=\xff"), BAD),
        "20 KB": (bounded("; boundary=" + "b" * 20_000), BAD),
    },
    "a form without its end": {
        "no last boundary": (posted(FILE + FILE), BAD),
        "cut off in a file": (posted(FILE + FILE[:-50]), BAD),
        "cut off in a header": (posted(FILE + FILE[:20]), BAD),
        "its first line": (posted(b"--b\r\n"), BAD),
        "nothing": (posted(b""), "422 empty-body"),
        "not a form": (posted(PNG), BAD),
        "only its end": (posted(b"--b--\r\n"), "422 no-images"),
        "line feeds only": (posted(form(FILE).replace(b"\r\n", b"\n")), BAD),
    },
    "too many parts": {
        "101 fields": (posted(form(FILE, *[metadata(b"{}")] * 101)), BAD),
        "1,001 files": (posted(form(*[FILE] * 1001)), "413 too-many-files"),
        "100,000 fields": (posted(lambda: form(*[metadata(b"")] * 100_000)), BAD),
        "100,000 files": (posted(lambda: form(*[file_part("a", b"a")] * 100_000)), "413 too-many-files"),
        "1,000,000 files that were not chosen": (
            posted(lambda: form(*[file_part("")] * 1_000_000)),
            "413 too-many-files",
        ),
    },
    "large headers of a part": {
        "64 KB": (posted(form(part('name="a"', b"", f"X: {'x' * 65_536}\r\n"))), BAD),
        "500 headers": (posted(form(part('name="a"', b"", "X-Something: of no use\r\n" * 500))), BAD),
        "a name of 64 KB": (posted(form(part(f'name="{"a" * 65_536}"', b""))), BAD),
        "a name of 8,000 bytes": (posted(form(FILE, part(f'name="{"a" * 8000}"', b""))), INVALID),
        "no end": (posted(b"--b\r\n" + b"x" * 100_000), BAD),
    },
    "text around a form": {
        "500 KB before": (posted(b"x" * 500_000 + b"\r\n" + form(FILE)), BAD),
        # If a file contains its own boundary, this is the rest of the file.
        "500 KB behind": (posted(form(FILE) + b"x" * 500_000), BAD),
        "another form behind": (posted(form(FILE) + form(FILE)), BAD),
        "a line behind": (posted(form(FILE) + b"\r\n"), TAKEN),
    },
    "30 MB of line breaks": {
        "line breaks": (
            posted(lambda: form(file_part("a", b"\r\n" * (15 << 20)))),
            "413 file-too-large",
        ),
        "near boundaries": (
            posted(lambda: form(file_part("a", b"\r\n--" * (7 << 20)))),
            "413 file-too-large",
        ),
        "returns": (posted(lambda: b"--b\r\n" + b"\r" * (30 << 20)), BAD),
    },
    "a text of 30 MB": {
        "a field": (posted(lambda: form(FILE, metadata(bytes(30 << 20)))), BAD),
        "a field of 65 KB": (posted(form(FILE, metadata(b" " * 65_537))), BAD),
        "a file of text": (posted(form(part('name="files"', PNG))), "422 no-images"),
    },
    "many large forms at once": {"16 of 4 MB": (many_at_once, TAKEN, 16 * SPENT_S)},
    "odd file names": {
        "a way out": (posted(form(file_part("../../etc/passwd", PNG))), UNSAFE),
        "an absolute one": (posted(form(file_part("/etc/passwd", PNG))), UNSAFE),
        "a drive": (posted(form(file_part("C:/a.png", PNG))), UNSAFE),
        "a way out by backslash": (posted(form(file_part("..\\\\a.png", PNG))), UNSAFE),
        "NUL": (named("nul\0.png"), "nul\N{REPLACEMENT CHARACTER}.png"),
        "10 KB": (posted(form(file_part("x" * 10_000, PNG))), BAD),
        "5 KB": (named("x" * 5000 + ".png"), "x" * 251 + ".png"),
        "from right to left": (named("a\u202egnp.exe"), "a\u202egnp.exe"),
        "a device": (named("CON"), "CON"),
        "a command": (named(";rm -rf $(id)`id`"), ";rm -rf $(id)`id`"),
        "a formula": (named("=cmd|' /c calc'!A1"), "=cmd|' /c calc'!A1"),
        "a page": (named("<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>"),
        "a template": (named("{{7*7}}%s%n"), "{{7*7}}%s%n"),
    },
    "two file names for one file": {
        "the plain one": (
            called('name="files"; filename="a.png"; filename*=UTF-8\'\'b.png'),
            "a.png",
        ),
        "the other first": (
            called('name="files"; filename*=UTF-8\'\'b.png; filename="a.png"'),
            "a.png",
        ),
        "the plain one encoded for mail": (
            called('name="files"; filename="=?utf-8?B?w6QucG5n?="; filename*=utf-8\'\'%C3%A4.png'),
            "ä.png",
        ),
        "no plain one": (called("name=\"files\"; filename*=UTF-8''b.png"), "b.png"),
        "a way out in the other": (
            posted(form(part("name=\"files\"; filename*=utf-8''..%2F..%2Fetc%2Fpasswd", PNG))),
            UNSAFE,
        ),
    },
    "a part that is no file": {
        "no name": (posted(form(part("", PNG), FILE)), BAD),
        "no disposition": (posted(b"--b\r\n\r\nx\r\n--b--\r\n"), BAD),
        "an unknown field": (posted(form(FILE, part('name="tenant"', b"7"))), INVALID),
        "no file": (posted(form(metadata(b"{}"))), "422 no-images"),
        "a file that was not chosen": (posted(form(file_part(""))), "422 no-images"),
        "metadata that is no JSON": (posted(form(FILE, metadata(b"{"))), INVALID),
        "metadata that is deep": (posted(form(FILE, metadata(b"[" * 60_000))), INVALID),
        "metadata of no UTF-8": (posted(form(FILE, metadata(b'{"a":"\xff"}'))), TAKEN),
    },
    "a Content-Type of backslashes": {
        "10 KB": (bounded('; x="' + "\\" * 10_000), BAD),
        "quotes": (bounded('; x="' + '\\"' * 10_000 + '; boundary="b"'), BAD),
        "semicolons": (bounded(";" * 20_000 + "boundary=b"), TAKEN),
        "of a part": (
            posted(form(part('name="files"; filename="a.png"; x="' + "\\" * 4000, PNG))),
            TAKEN,
        ),
    },
    "a file of no bytes": {
        "one": (uploaded(FORM, form(file_part("a.png")), "/v1/predictions"), "422 undecodable-image"),
    },
    "one option given twice": {
        "metadata": (posted(form(FILE, metadata(b"{}"), metadata(b'{"a": "b"}'))), INVALID),
        "in the URL, too": (
            uploaded(FORM, form(FILE, part('name="top_k"', b"2")), "/v1/jobs?top_k=3"),
            INVALID,
        ),
        "the same twice": (
            uploaded(FORM, form(FILE, part('name="top_k"', b"2")), "/v1/jobs?top_k=2"),
            TAKEN,
        ),
    },
    "a form in a form": {
        "multipart/mixed": (
            posted(
                form(part('name="files"', form(FILE), "Content-Type: multipart/mixed; boundary=b\r\n"))
            ),
            BAD,
        ),
        "of another boundary": (
            posted(
                form(
                    part(
                        'name="files"',
                        form(FILE).replace(b"--b", b"--c"),
                        "Content-Type: multipart/mixed; boundary=c\r\n",
                    )
                )
            ),
            "422 no-images",
        ),
    },
}

CASES = list(cases("forms", TABLE))
