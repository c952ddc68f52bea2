"""The command `inkqueue` as people use it: real processes, real terminals, real Ctrl-C."""

import base64
import csv
import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO

import httpx
import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from api.auth.keyring import Keyring
from api.cli import app
from api.cli.output import opened, write_items
from api.cli.progress import summary
from api.client import Client
from api.client.uploads import IN_MEMORY
from api.openapi.examples import STORED
from api.schemas.jobs import ItemOut, JobOut
from api.settings import GatewaySettings
from api.stack.stack import WORKERS
from model.drawn import draw
from model.files.images import png
from worker.embedded import find_server, free_port
from worker.ledger.jobs import JobState

from hosts import serving
from samples import page, zip_of
from services import Services, end_process
from waiting import until

INKQUEUE = [sys.executable, "-m", "api.cli"]
READY_S = 60.0

Command = Callable[..., "Done"]


class Done:
    """What a command did."""

    def __init__(self, code: int, out: str, notes: str) -> None:
        self.code, self.out, self.notes = code, out, notes


@pytest.fixture
def inkqueue(services: Services) -> Command:
    """Runs a command against the session's gateway."""

    def run(*arguments: str | Path) -> Done:
        done = CliRunner().invoke(app, list(map(str, arguments)), env={"INKQUEUE_URL": services.url})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def sheet(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder of drawings of A, B and C, and one file that is no image."""
    folder = tmp_path / "sheet"
    folder.mkdir()
    for label in "ABC":
        (folder / f"{label}.png").write_bytes(png(draw(label, rng)))
    (folder / "torn.png").write_bytes(b"no image")
    return folder


def test_no_id_of_a_client_moves_the_cursor_of_a_terminal(inkqueue: Command, services: Services) -> None:
    image = base64.b64encode(png(draw("7", np.random.default_rng(7)))).decode()
    body = {"images": [{"image": image, "custom_id": "a\x1b[2J\nforged"}]}
    answer = httpx.post(f"{services.url}/v1/jobs", json=body, headers={"Prefer": "wait=20"}, timeout=30)
    done = inkqueue("results", answer.json()["id"])
    assert done.out.rstrip().endswith("a\ufffd[2J\ufffdforged")


def test_what_was_read_is_printed(inkqueue: Command, sheet: Path) -> None:
    done = inkqueue("submit", sheet)
    head, *rows = (line.split() for line in done.out.splitlines())
    assert head == ["index", "label", "confidence", "note", "name"]
    assert [row[1] for row in rows[:3]] == list("ABC")
    assert rows[3][1:6] == ["undecodable-image", "torn.png:", "not", "a", "PNG,"]
    assert re.search(r"job_\w+ partially_failed: 3 of 4 read, 1 failed in \d", done.notes)
    assert done.code == 1
    assert inkqueue("submit", sheet / "A.png", sheet / "B.png").code == 0


def test_results_come_in_every_format(inkqueue: Command, sheet: Path, tmp_path: Path) -> None:
    as_json = json.loads(inkqueue("submit", sheet, "--format", "json", "--top-k", "2").out)
    assert [(item["name"], item.get("label")) for item in as_json[:3]] == [
        (f"{x}.png", x) for x in "ABC"
    ]
    assert all(len(item["top_k"]) == 2 for item in as_json[:3])

    job = inkqueue("submit", sheet, "--no-wait").out.strip()
    lines = inkqueue("results", job, "--format", "ndjson").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == [item["name"] for item in as_json]

    file = tmp_path / "out.csv"
    assert inkqueue("results", job, "--format", "csv", "-o", file).out == ""
    assert [row["label"] for row in csv.DictReader(file.read_text().splitlines())] == ["A", "B", "C", ""]
    empty = inkqueue("submit", sheet / "A.png", "--no-wait").out.strip()
    assert json.loads(inkqueue("results", empty, "--format", "json", "--only", "failed").out) == []


def test_a_file_is_written_as_its_name_ends_unless_a_format_is_given(
    inkqueue: Command, sheet: Path, tmp_path: Path
) -> None:
    job = inkqueue("submit", sheet / "A.png", "-o", tmp_path / "a.NDJSON").notes.split()[0]
    assert json.loads((tmp_path / "a.NDJSON").read_text())["label"] == "A"
    as_json = ["--format", "json"]
    for name, options, start in [("a.csv", [], "index,"), ("a.csv", as_json, "[\n"), ("a", [], " ")]:
        inkqueue("results", job, "-o", tmp_path / name, *options)
        assert (tmp_path / name).read_text().startswith(start)


def test_a_page_is_printed_by_its_lines(inkqueue: Command, tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(png(page(["ABC 47", "HKE 2Z"], np.random.default_rng(8))))
    done = inkqueue("submit", tmp_path, "--layout", "page")
    _, item, *lines = done.out.splitlines()
    assert item.split()[0] == "0"
    assert item.endswith("page.png")
    (found,) = json.loads(inkqueue("submit", tmp_path, "--layout", "page", "--format", "json").out)
    assert [line.strip() for line in lines] == [line["text"] for line in found["lines"]]
    grid = ["--layout", "grid", "--rows", "2", "--columns", "6"]
    (found,) = json.loads(inkqueue("submit", tmp_path, *grid, "--format", "json").out)
    assert [len(line["words"]) for line in found["lines"]] == [6, 6]
    refused = inkqueue("submit", tmp_path, *grid[:4])
    assert (refused.code, "give both" in refused.notes) == (1, True)


def test_what_speaks_against_an_image_is_noted(inkqueue: Command, tmp_path: Path) -> None:
    (tmp_path / "blank.png").write_bytes(png(np.full((64, 64), 230, np.uint8)))
    assert inkqueue("submit", tmp_path).out.splitlines()[1].split()[3] == "blank"


def test_rows_are_the_gateways_own(inkqueue: Command, services: Services, sheet: Path) -> None:
    job = inkqueue("submit", sheet, "--no-wait").out.strip()
    ours = inkqueue("results", job, "--format", "csv").out
    theirs = httpx.get(f"{services.url}/v1/jobs/{job}/results?format=csv").text
    assert ours.splitlines() == theirs.splitlines()


def test_a_job_is_watched_retried_and_deleted(inkqueue: Command, sheet: Path) -> None:
    submitted = inkqueue("submit", sheet, "--no-wait", "--keep-images")
    job = submitted.out.strip()
    assert submitted.code == 0
    assert f"inkqueue watch {job}" in submitted.notes
    watched = inkqueue("watch", job)
    assert (watched.code, watched.out) == (1, "")
    assert f"{job} partially_failed" in watched.notes
    assert inkqueue("status", job).out.startswith(f"{job} partially_failed: 3 of 4 read, 1 failed")
    assert json.loads(inkqueue("status", job, "--json").out)["keep_images"] is True
    assert "torn.png" in inkqueue("results", job, "--only", "failed").out

    again = inkqueue("retry", job).out.strip()
    assert json.loads(inkqueue("status", again, "--json").out)["parent_id"] == job
    assert inkqueue("watch", again).code == 1
    assert inkqueue("cancel", again).out.startswith(f"{again} failed")
    assert inkqueue("delete", job).code == 0
    gone = inkqueue("status", job)
    assert (gone.code, gone.out) == (1, "")
    assert "You have no job with this id" in gone.notes


@pytest.mark.parametrize("status", [500, 404, 410])
def test_a_job_that_can_no_longer_be_followed_is_named(
    inkqueue: Command, services: Services, sheet: Path, status: int
) -> None:
    """Unless it is no longer there."""

    class Failing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {"Content-Type": self.headers["Content-Type"]}
            answer = httpx.post(services.url + self.path, content=body, headers=headers)
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Failing) as url:
        done = inkqueue("submit", sheet, "--url", url)
    assert (done.code, done.out) == (1, "")
    named = re.search(r"(job_\w+) is still being read; watch it with: inkqueue watch \1\n", done.notes)
    assert bool(named) == (status == 500)
    assert f"error: {status} " in done.notes


def test_what_there_is_is_listed(inkqueue: Command, sheet: Path) -> None:
    good, torn = (inkqueue("submit", what).notes.split()[0] for what in (sheet / "A.png", sheet))
    head, row = inkqueue("jobs", "--limit", "1").out.splitlines()
    assert head.split() == ["job", "state", "images", "read", "failed", "model", "created"]
    assert row.split()[:6] == [torn, "partially_failed", "4", "3", "1", "balanced"]
    assert json.loads(inkqueue("jobs", "--limit", "1", "--json").out)["id"] == torn
    succeeded = inkqueue("jobs", "--limit", "1", "--json", "--state", "succeeded")
    assert json.loads(succeeded.out)["id"] == good
    assert re.search(r"^digits +99\.\d\d% +0123456789 +MNIST", inkqueue("models").out, re.MULTILINE)


def test_what_is_asked_for_is_passed_on(inkqueue: Command, sheet: Path) -> None:
    asked = {
        "charset": "upper",
        "normalize": "none",
        "priority": "bulk",
        "top_k": 5,
        "model": "balanced",
    }
    options = [word for name, value in asked.items() for word in (f"--{name}".replace("_", "-"), value)]
    submitted = inkqueue(
        "submit", sheet / "A.png", "--no-wait", "--expires-in", "600", *map(str, options)
    )
    job = JobOut.model_validate_json(inkqueue("status", submitted.out.strip(), "--json").out)
    assert job.model_dump(include=set(asked)) == asked
    assert (job.expires_at - job.created_at).total_seconds() == 600


def test_keys_fit_together(inkqueue: Command) -> None:
    made = dict(line.split("=", 1) for line in inkqueue("keys").out.splitlines())
    keyring = Keyring(GatewaySettings(api_keys=made["INKQUEUE_API_KEYS"]))
    known = keyring.find(made["INKQUEUE_API_KEY"])
    assert known is not None
    assert known.owner == made["INKQUEUE_API_KEYS"].partition(":")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["submit", "nowhere"], 1, "nowhere is not there"),
        (["submit", "."], 1, "no image"),
        (["submit", "a.png", ""], 1, "a path is empty"),
        (["submit", "a.png", "--model", "roman"], 1, "'roman' is not served"),
        (["submit", "a.png", "-o", "no/folder/out"], 1, "cannot write no/folder/out"),
        (["submit", "a.png", "--url", "localhost"], 1, "is not an address like http://127.0.0.1:8000"),
        (["models", "--url", "http://localhost:80a0"], 1, "give http:// or https://, a host"),
        (["models", "--url", "http://127.0.0.1:1"], 1, "refused; start one with `inkqueue up`"),
        (["cancel", "../jobs"], 1, "error: "),
        (["submit", "a.png", "--top-k", "11"], 2, "Invalid value for '--top-k'"),
        (["submit", "a.png", "--no-wait", "--format", "csv"], 2, "--format is for results"),
        (["submit"], 2, "Missing argument"),
        (["sumbit"], 2, "submit"),
        (["up", "--host", "0.0.0.0"], 1, "without API keys: set INKQUEUE_API_KEYS"),
    ],
)
def test_refusals_say_what_to_do(
    inkqueue: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[str],
    code: int,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "a.png" in arguments:
        (tmp_path / "a.png").write_bytes(b"no image")
    done = inkqueue(*arguments)
    assert (done.code, done.out) == (code, "")
    assert reason in done.notes


def test_a_refusal_leaves_the_file_as_it_was(inkqueue: Command, sheet: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    out.write_text("of before, which are longer than what comes\n" * 99)
    for command in (
        ["submit", "nowhere"],
        ["results", "job_none"],
        ["submit", sheet, "--model", "roman"],
    ):
        assert inkqueue(*command, "-o", out).code == 1
        assert out.read_text().startswith("of before")
        assert inkqueue(*command, "-o", tmp_path / "new.csv").code == 1
        assert not (tmp_path / "new.csv").exists()
    inkqueue("submit", sheet, "--format", "csv", "-o", out)
    assert len(out.read_text().splitlines()) == 5
    for _ in range(2):
        inkqueue("submit", sheet, "--no-wait", "-o", out)
        assert len(out.read_text().splitlines()) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_what_comes_through_a_pipe_is_read(
    inkqueue: Command, sheet: Path, tmp_path: Path, packed: bool
) -> None:
    image = (sheet / "A.png").read_bytes()
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(
        target=pipe.write_bytes, args=[zip_of({"A.png": image}) if packed else image]
    )
    writer.start()
    done = inkqueue("submit", pipe)
    writer.join(10)
    assert done.code == 0
    assert "1 of 1 read" in done.notes


def test_what_cannot_be_written_is_said_in_a_line(inkqueue: Command, sheet: Path) -> None:
    done = inkqueue("submit", sheet, "-o", "/dev/full")
    assert (done.code, done.notes.splitlines()[-1]) == (1, "error: No space left on device")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_new_job_is_named_though_stdout_is_full(
    services: Services, sheet: Path, unbuffered: str
) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "INKQUEUE_URL": services.url}

    def job_of(*words: str) -> str:
        shell = ["/bin/sh", "-c", '"$@" >/dev/full', "sh", *INKQUEUE, *words]
        done = subprocess.run(shell, env=environment, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1
        assert done.stderr.endswith("\nerror: No space left on device\n")
        return done.stderr.partition("inkqueue watch ")[2].split()[0]

    with Client(services.url) as client:
        job = client.wait(job_of("submit", str(sheet), "--no-wait", "--keep-images"))
        assert client.job(job_of("retry", job.id)).parent_id == job.id


def test_a_new_job_is_printed_though_stderr_is_full(services: Services, sheet: Path) -> None:
    environment = os.environ | {"INKQUEUE_URL": services.url}
    with open("/dev/full", "w") as full:
        command = [*INKQUEUE, "submit", str(sheet), "--no-wait"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 0
    with Client(services.url) as client:
        assert client.job(done.stdout.strip()).counts.total == 4


def test_a_disk_without_room_for_packing_is_named(sheet: Path, tmp_path: Path) -> None:
    for name in "de":
        (sheet / f"{name}.png").write_bytes(bytes(IN_MEMORY))
    shell = ["/bin/sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *INKQUEUE, "submit", str(sheet)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(shell, env=environment, capture_output=True, text=True)
    start = f"error: the images cannot be packed in {tmp_path} (File too large): name another folder in"
    assert (done.returncode, done.stderr.startswith(start)) == (1, True)
    assert done.stderr.count("\n") == 1


def test_a_job_in_a_line_tells_what_is_before_it_and_for_how_long() -> None:
    job = JobOut.model_validate(STORED | {"id": "a", "position": 1, "eta_seconds": 75.0})
    assert summary(job) == "a queued: 0 of 2 read, 1 job before it, about 1m15s to go"
    later = job.model_copy(update={"position": 2, "eta_seconds": None})
    assert summary(later) == "a queued: 0 of 2 read, 2 jobs before it"


def test_a_table_tells_which_images_were_never_read(tmp_path: Path) -> None:
    with opened(tmp_path / "table") as out:
        write_items([ItemOut(index=0, name="a.png", status="canceled")], "table", out)
    assert (tmp_path / "table").read_text().splitlines()[1].split() == ["0", "canceled", "a.png"]


def test_what_stdout_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", write_through=True))
    with opened(None) as out:
        out.write("é")
    assert written.getvalue() == rb"\xe9"


@pytest.mark.parametrize("command", ["models", "--help"])
@pytest.mark.parametrize(
    ("where", "code", "said"), [(">/dev/full", 1, "error: No space left on device\n"), (">&-", 0, "")]
)
def test_stdout_may_be_full_or_closed(
    services: Services, command: str, where: str, code: int, said: str
) -> None:
    shell = ["/bin/sh", "-c", f'"$@" {where}', "sh", *INKQUEUE, command]
    environment = os.environ | {"PYTHONUNBUFFERED": "", "INKQUEUE_URL": services.url}
    done = subprocess.run(shell, env=environment, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("program", ["api.cli", "model", "training"])
def test_ctrl_c_while_it_loads_ends_it_in_silence(program: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    done = subprocess.run(
        [sys.executable, "-m", program],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_the_command_may_be_loaded_by_any_thread() -> None:
    code = (
        "from concurrent.futures import *; ThreadPoolExecutor().submit(__import__, 'api.cli').result()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_terminal_shows_a_bar_and_stdout_only_data(services: Services, sheet: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as terminal:
        command = [*INKQUEUE, "submit", str(sheet), "--format", "json", "--url", services.url]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment)
        os.close(theirs)
        shown = b"".join(_drained(terminal)).decode()  # meanwhile, since it holds but a few KB
        data, _ = process.communicate()
    assert len(json.loads(data)) == 4
    assert "4/4" in shown
    assert "partially_failed: 3 of 4 read" in shown


def test_up_keeps_its_word(tmp_path: Path, sheet: Path) -> None:
    data = tmp_path / "data"
    with up(data, cwd=tmp_path) as first:
        with Client(first.url) as client:
            job = client.wait(client.submit(sheet))
            labels = [item.label for item in client.results(job)]
        _second_is_refused(data, first.url)
        _are_restarted(first, "worker", "worker.sender", "api")
        with Client(first.url) as client:
            assert client.predict(sheet / "A.png").label == "A"
        family = first.family()
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 0
        assert psutil.wait_procs(family, timeout=20)[1] == []  # orphans are reaped in a while

    with up(data, tmp_path, "--api-workers", "2") as second, Client(second.url) as client:
        assert client.job(job).state is JobState.PARTIALLY_FAILED
        assert [item.label for item in client.results(job)] == labels
        until(lambda: len(second.family()) == 4 + 3 * WORKERS)  # each has a fork server and a decoder
        family = second.family()
        second.process.kill()  # and even so nothing is left running
        assert psutil.wait_procs(family, timeout=20)[1] == []


def test_up_refuses_a_redis_that_can_lose_jobs(tmp_path: Path) -> None:
    port = free_port()
    server = subprocess.Popen([find_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path)])
    try:
        until(lambda: _listens(port))
        environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        command = [*INKQUEUE, "up", "--port", "0"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    finally:
        end_process(server)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Redis has appendonly no and appendfsync everysec, so accepted" in done.stderr


def test_the_demonstration_works_and_leaves_nothing(tmp_path: Path) -> None:
    """In a folder whose packages have our names, and an environment that is somebody's."""
    for name in ("api", "worker", "model"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = os.environ | {
        "TMPDIR": str(temporary),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "INKQUEUE_API_KEYS": "nonsense",
    }
    command = [Path(sys.executable).parent / "inkqueue", "demo"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (right,) = re.findall(r"^(\d+) of 47 read right", done.stdout, re.MULTILINE)
    assert int(right) > 0.6 * 47
    assert "drawn by the program, not by hand" in done.stdout
    assert re.search(r"First result \d+\.\d s after the stack was started", done.stdout)
    assert list(temporary.iterdir()) == []
    here = str(tmp_path)
    until(lambda: not [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == here])


def test_a_demonstration_whose_terminal_is_closed_leaves_nothing(tmp_path: Path) -> None:
    command = [*INKQUEUE, "demo"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while len(family := psutil.Process(process.pid).children()) < 3:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.5)  # it waits until they are ready
        process.send_signal(signal.SIGHUP)
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 128 + signal.SIGHUP
    assert list(tmp_path.iterdir()) == []
    assert psutil.wait_procs(family, timeout=20)[1] == []


class Running:
    """`inkqueue up`, ready."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process, self.url = process, url

    def family(self) -> list[psutil.Process]:
        """Its children."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, module: str) -> psutil.Process | None:
        """The one that runs `module`, if it lives."""
        for each in self.family():
            with suppress(psutil.NoSuchProcess):  # one that just ended
                if each.cmdline()[-1:] == [module]:
                    return each
        return None


@contextmanager
def up(data: Path, cwd: Path, *options: str) -> Iterator[Running]:
    """`inkqueue up` on a free port; whatever a test leaves of it is ended."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    process = subprocess.Popen(
        [*INKQUEUE, "up", "--port", "0", "--data", str(data), *options],
        cwd=cwd,
        env=environment | {"OMP_NUM_THREADS": "1", "INKQUEUE_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        ready = next(line for line in process.stderr if line.startswith("READY"))
        yield Running(process, ready.split(": ", 1)[1].split()[0])
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def _second_is_refused(data: Path, url: str) -> None:
    port = url.rpartition(":")[2]
    for options, reason in (
        (["--port", "0", "--data", str(data)], "is in use by another inkqueue; stop it, or"),
        (["--port", port, "--data", f"{data}2"], f"cannot listen on 127.0.0.1:{port}"),
    ):
        done = CliRunner().invoke(app, ["up", *options], env={"REDIS_URL": None})
        assert done.exit_code == 1
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert reason in done.stderr


def _are_restarted(running: Running, *modules: str) -> None:
    victims = [running.child(module) for module in modules]
    for victim in victims:
        assert victim
        victim.kill()
    until(
        lambda: all((heir := running.child(each)) and heir not in victims for each in modules), READY_S
    )


def _listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def _drained(terminal: IO[bytes]) -> Iterator[bytes]:
    """What was written to the other end, until it is closed."""
    try:
        while data := terminal.read(65_536):
            yield data
    except OSError:  # how Linux tells the end of a terminal
        return
