"""The OpenAPI document tells the truth: schemathesis finds nothing else, and every problem is in it."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema_rs
import pytest

from api.app import DESCRIPTION, create_app
from api.auth.credentials import SCOPES
from api.openapi import bodies
from api.openapi.contract import FAULTS, OPERATIONS
from api.openapi.headers import HEADERS
from api.problems import CATALOGUE
from api.settings import GatewaySettings
from api.spellings import INDEX, WORDS
from model.card import WEIGHTS

from contract import KEY, SETTINGS, checked, listed, response_of
from routes import probes
from services import Services, beside, gateway_and_worker


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack of its own, which gets full of jobs and webhooks; it wants KEY."""
    with gateway_and_worker(tmp_path_factory.mktemp("contract"), **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(own: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that takes one image a job, has no `letters`, and for `digits` has other labels."""
    weights = tmp_path_factory.mktemp("weights")
    for name, source in (("balanced", "balanced"), ("digits", "letters")):
        card = json.loads((WEIGHTS / f"{source}.json").read_bytes()) | {"name": name}
        (weights / f"{name}.json").write_text(json.dumps(card))
        shutil.copy(WEIGHTS / f"{source}.safetensors", weights / f"{name}.safetensors")
    with beside(own, INKQUEUE_WEIGHTS=str(weights), INKQUEUE_MAX_IMAGES="1") as other:
        yield other.url


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation and its name."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_schemathesis_finds_nothing(own: Services) -> None:
    done = checked(own.url, "--max-examples", "3", "--seed", "1")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested[1]) == len(OPERATIONS)


def test_every_operation_and_every_problem_is_listed() -> None:
    document = create_app(GatewaySettings()).openapi()
    found = dict(operations(document))
    assert found.keys() == OPERATIONS.keys()
    told = {
        slug
        for operation in found.values()
        for status in operation["responses"]
        for slug in listed(response_of(document, operation, status))
    }
    assert told | set(FAULTS) == CATALOGUE.keys()


def test_the_key_that_each_operation_needs_is_told() -> None:
    """The same probes are sent to a gateway with keys in test_keys.py."""
    known = dict(operations(create_app(GatewaySettings()).openapi()))
    told = set[str]()
    for probe in probes("job", "hook", "delivery"):
        name = f"{probe.method} {probe.route}"
        if (operation := known.get(name)) is None:
            continue
        told.add(name)
        scopes = [probe.scope] if probe.scope in SCOPES else []
        either = [{"BearerKey": scopes}, {"HeaderKey": scopes}] if probe.scope else None
        assert operation.get("security") == either, probe
        assert re.findall(r"scope `(\w+)`", operation["description"]) == scopes, probe
    assert told == OPERATIONS.keys()


def test_no_option_has_a_default_that_a_client_would_send_beside_another_value() -> None:
    document = create_app(GatewaySettings()).openapi()
    options = document["paths"]["/v1/jobs"]["post"]["parameters"]
    assert not [option["name"] for option in options if "default" in option["schema"]]
    for name in ("JobForm", "JobDocument"):
        fields = document["components"]["schemas"][name]["properties"]
        assert {"top_k", "keep_images"} < fields.keys()
        assert not [name for name, field in fields.items() if "default" in field]


def test_every_operation_has_a_name_of_its_own_that_reads_well() -> None:
    document = create_app(GatewaySettings()).openapi()
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) == len(OPERATIONS)
    assert {"submit_job", "read_job", "read_results", "predict"} <= set(names)


def test_every_refusal_has_the_one_schema_of_problems() -> None:
    document = create_app(GatewaySettings()).openapi()
    for _, operation in operations(document):
        for status in operation["responses"]:
            if status >= "400":
                ((media, content),) = response_of(document, operation, status)["content"].items()
                assert media == "application/problem+json"
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    validator = jsonschema_rs.Draft202012Validator(document["components"]["schemas"]["Problem"])
    for slug, example in document["components"]["examples"].items():
        validator.validate(example["value"])
        assert example["value"]["type"] == f"/problems/{slug}"


def test_no_reference_leads_nowhere() -> None:
    document = create_app(GatewaySettings()).openapi()
    for name in set(re.findall(r"'\$ref': '#/components/([^']*)'", str(document))):
        kind, name = name.split("/")
        assert name in document["components"][kind], name


def test_what_is_null_in_json_is_called_so() -> None:
    assert not re.search(r"\bNone\b(?!-Match)", json.dumps(create_app(GatewaySettings()).openapi()))


def test_every_pattern_of_a_parameter_has_words_for_who_got_it_wrong() -> None:
    document = create_app(GatewaySettings()).openapi()
    schemas = [
        parameter["schema"]
        for _, operation in operations(document)
        for parameter in operation.get("parameters", ())
    ]
    patterns = {schema["pattern"] for schema in schemas if "pattern" in schema}
    assert patterns - {bodies.KEY["pattern"]} == WORDS.keys() - {INDEX}


def test_the_commands_shown_mean_the_same_in_any_shell() -> None:
    commands = [line for line in DESCRIPTION.splitlines() if line.startswith("    curl")]
    assert len(commands) > 2
    for word in (word for command in commands for word in shlex.split(command, posix=False)):
        assert word[0] == word[-1] == "'" or not set(word) & set("?*[&"), word


def test_every_header_that_is_told_is_sent(own: Services) -> None:
    """That every header that is sent is told, schemathesis_hooks.py checks."""
    document = create_app(GatewaySettings()).openapi()
    told = dict(operations(document))
    seen = set[str]()

    def ask(name: str, job: str = "", **options: Any) -> httpx.Response:
        method, path = name.split()
        answer = httpx.request(method, own.url + path.format(job_id=job), timeout=60, **options)
        known = response_of(document, told[name], answer.status_code)["headers"]
        seen.update({each.lower() for each in known} & answer.headers.keys())
        return answer

    key = {"Authorization": f"Bearer {KEY}"}
    again = key | {"Idempotency-Key": "told", "Prefer": "wait=30"}
    image = bodies.IMAGE_BODY["content"]["application/json"]["example"] | {"keep_images": True}
    ask("GET /v1/models")
    ask("POST /v1/jobs", json=image, headers=again)
    job = ask("POST /v1/jobs", json=image, headers=again).json()["id"]
    ask("GET /v1/jobs/{job_id}", job, headers=key)
    ask("GET /v1/jobs/{job_id}/results", job, headers=key, params={"format": "csv"})
    ask("GET /v1/jobs/{job_id}/export", job, headers=key, params={"what": "all"})
    ask("POST /v1/jobs", json={"images": image["images"] * 500}, headers=key)
    ask("POST /v1/predictions", json=image, headers=key)
    assert seen == {name.lower() for name in HEADERS}


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ({"model": "digits", "charset": "digits"}, "invalid-charset"),
        ({"model": "letters"}, "unknown-model"),
        ({"model": "balanced"}, "too-many-images"),
    ],
)
def test_what_a_retry_meets_where_another_gateway_took_the_job_is_listed(
    own: Services, elsewhere: str, query: dict[str, str], slug: str
) -> None:
    files = [("files", (f"{number}.png", b"no image")) for number in range(2)]
    with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as http:
        headers = {"Prefer": "wait=30"}
        sent = http.post(f"{own.url}/v1/jobs", params=query, files=files, headers=headers)
        answer = http.post(f"{elsewhere}/v1/jobs/{sent.json()['id']}/retry")
    assert answer.json()["type"] == f"/problems/{slug}"
    assert slug in OPERATIONS["POST /v1/jobs/{job_id}/retry"]
