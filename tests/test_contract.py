"""The OpenAPI document tells the truth: schemathesis finds nothing else, and every problem is in it."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator

import httpx
import jsonschema_rs
import pytest

from api.app import DESCRIPTION, create_app
from api.auth.credentials import SCOPES
from api.openapi.contract import FAULTS, OPERATIONS
from api.problems import CATALOGUE
from api.settings import GatewaySettings
from model.card import WEIGHTS

from conftest import Services, beside, running_services
from contract import KEY, SETTINGS, checked, listed
from routes import probes


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack of its own, which gets full of jobs and webhooks; it wants KEY."""
    with running_services(tmp_path_factory.mktemp("contract"), **SETTINGS) as running:
        running.spawn("api")
        running.spawn("worker")
        running.wait_ready()
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


def test_schemathesis_finds_nothing(own: Services) -> None:
    done = checked(own.url, "--max-examples", "3", "--seed", "1")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested[1]) == len(OPERATIONS)


def test_every_operation_and_every_problem_is_listed() -> None:
    document = create_app(GatewaySettings()).openapi()
    found = {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }
    assert found == OPERATIONS.keys()
    told = {
        each
        for methods in document["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for each in listed(response)
    }
    assert told | set(FAULTS) == CATALOGUE.keys()


def test_the_key_that_each_operation_needs_is_told() -> None:
    """The same probes are sent to a gateway with keys in test_keys.py."""
    paths = create_app(GatewaySettings()).openapi()["paths"]
    told = set[str]()
    for probe in probes("job", "hook", "delivery"):
        operation = paths.get(probe.route, {}).get(probe.method.lower())
        if operation is None:
            continue
        told.add(f"{probe.method} {probe.route}")
        scopes = [probe.scope] if probe.scope in SCOPES else []
        either = [{"BearerKey": scopes}, {"HeaderKey": scopes}] if probe.scope else None
        assert operation.get("security") == either, probe
        assert re.findall(r"scope `(\w+)`", operation["description"]) == scopes, probe
    assert told == OPERATIONS.keys()


def test_no_option_has_a_default_that_a_client_would_send_beside_another_value() -> None:
    operation = create_app(GatewaySettings()).openapi()["paths"]["/v1/jobs"]["post"]
    for option in operation["parameters"]:
        assert "default" not in option["schema"], option
    for content in operation["requestBody"]["content"].values():
        for option in content["schema"].get("properties", {}).values():
            assert "default" not in option, option


def test_every_operation_has_a_name_of_its_own_that_reads_well() -> None:
    paths = create_app(GatewaySettings()).openapi()["paths"].values()
    names = [operation["operationId"] for operations in paths for operation in operations.values()]
    assert len(set(names)) == len(names) == len(OPERATIONS)
    assert {"submit_job", "read_job", "read_results", "predict"} <= set(names)


def test_every_refusal_has_the_one_schema_of_problems() -> None:
    document = create_app(GatewaySettings()).openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    ((media, content),) = response["content"].items()
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


def test_the_commands_shown_mean_the_same_in_any_shell() -> None:
    commands = [line for line in DESCRIPTION.splitlines() if line.startswith("    curl")]
    assert len(commands) > 2
    for word in (word for command in commands for word in shlex.split(command, posix=False)):
        assert word[0] == word[-1] == "'" or not set(word) & set("?*[&"), word


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
